import type { DescribeInput } from '../../client/engine-api';
import type { GateSettings } from '../../frame/frame-gate';
import {
  cameraSources,
  frameLimits,
  intervalLimits,
  type NumberLimits,
  normaliseModes,
  sourceProtocols,
} from '../../frame/frame-limits';
import type { CameraSource } from '../../frame/open-frame-source';
import { isPolygon, isZone, type Zone } from '../../frame/picture-zones';
import { fillLogin } from '../../picture/camera/address-login';
import type { CertificateTrust } from '../../picture/camera/camera-access';
import { fingerprintDigits } from '../../picture/camera/fingerprint';
import type { FrameOptions } from '../../picture/prepared-frame';
import { defaultPrompt } from '../../protocol/default-prompt';
import { details } from '../../protocol/describe-request';
import { limits } from '../../protocol/limits';
import { defined } from '../../system/defined';
import { type FieldFault, JsonFields, type JsonObject } from '../../system/json/json-fields';
import type { Polygon } from '../../system/picture-shapes';
import { shownAddress } from '../../system/shown-address';
import { secretField } from './secret-field';

/** A camera of the configuration. */
export interface WatchedCamera {
  readonly name: string;
  readonly source: CameraSource;
  readonly gate: GateSettings;
  readonly options: FrameOptions;
  readonly zones: readonly Zone[];
  /** What is asked about each picture. */
  readonly request: DescribeInput;
  /** Pictures that may wait in the queue. */
  readonly capacity: number;
}

/** Limits of a camera's numbers. */
const watchNumbers = {
  ...frameLimits,
  maxTokens: { least: 1, most: limits.maxNewTokens, isWhole: true },
  /** Seconds. */
  deadline: { least: 0.001, most: limits.deadlineMs / 1000 },
  priority: { least: -limits.priority, most: limits.priority, isWhole: true },
  capacity: { least: 1, most: limits.queueCapacity, isWhole: true },
} as const satisfies Readonly<Record<string, NumberLimits>>;

/** Fields of a camera, and of `defaults` except those of one camera alone. */
export const cameraFields: readonly string[] = [
  ...['name', 'source', 'url', 'folder', 'user', 'password', 'fingerprint', 'anyCertificate'],
  ...['masks', 'zones', 'normalise', 'prompt', 'model', 'detail', 'choices'],
  ...Object.keys(watchNumbers),
];
/** Fields that belong to one camera alone. */
export const ownFields: readonly string[] = ['name', 'url', 'folder', 'masks', 'zones'];

/**
 * Reads the fields of a camera.
 * @param object the camera's fields over the file's defaults @param place of the camera, for errors
 */
export function readCamera(object: JsonObject, place: string, fault: FieldFault): WatchedCamera {
  return new CameraReader(object, place, fault).camera();
}

class CameraReader {
  readonly #object: JsonObject;
  readonly #fields: JsonFields;
  readonly #place: string;
  readonly #fault: FieldFault;

  constructor(object: JsonObject, place: string, fault: FieldFault) {
    this.#object = object;
    this.#place = place;
    this.#fault = fault;
    this.#fields = new JsonFields(object, fault, place);
  }

  camera(): WatchedCamera {
    const fields = this.#fields;
    const name = fields.string('name');
    return {
      name,
      source: this.#source(),
      gate: this.#gate(),
      options: this.#options(),
      zones: this.#zones(),
      request: {
        camera: name,
        prompt: fields.string('prompt', defaultPrompt),
        detail: fields.has('detail') ? fields.oneOf('detail', details) : 'low',
        ...defined({
          model: fields.optional('model', (key) => fields.string(key)),
          choices: this.#choices(),
          maxNewTokens: this.#number('maxTokens'),
          deadlineMs: this.#milliseconds('deadline'),
          priority: this.#number('priority'),
        }),
      },
      capacity: this.#number('capacity') ?? 1,
    };
  }

  #source(): CameraSource {
    const fields = this.#fields;
    const kind = fields.oneOf('source', cameraSources);
    const intervalMs = this.#milliseconds('interval', intervalLimits(kind));
    if (kind === 'folder') {
      return { kind, folder: fields.string('folder'), intervalMs: intervalMs ?? 1_000 };
    }
    const user = this.#secret('user');
    const password = this.#secret('password');
    const camera = {
      url: this.#url(sourceProtocols[kind], { user, password }),
      timeoutMs: this.#milliseconds('timeout') ?? 1_000 * frameLimits.timeout.standard,
      intervalMs: intervalMs ?? 10_000,
      ...defined({
        credentials: user === undefined ? undefined : { user, password: password ?? '' },
        trust: this.#trust(),
      }),
    };
    return kind === 'snapshot'
      ? { kind, ...camera, retries: this.#number('retries') ?? frameLimits.retries.standard }
      : { kind, ...camera };
  }

  /** The address with `{user}` and `{password}` filled in. Errors show it without a login. */
  #url(
    expected: readonly string[],
    login: { readonly user: string | undefined; readonly password: string | undefined },
  ): URL {
    const text = this.#object.url;
    const filled = fillLogin(String(text ?? ''), (part) => {
      const value = login[part];
      if (value !== undefined) return value;
      throw this.#fault(`${this.#place}url: {${part}} stands for a field that is missing`);
    });
    const url = URL.canParse(filled) ? new URL(filled) : undefined;
    if (url && expected.includes(url.protocol)) return url;
    const begin = expected.map((each) => `${each}//`).join(' or ');
    const received = typeof text === 'string' ? `"${shownAddress(text).slice(0, 100)}"` : 'nothing';
    throw this.#fault(
      `${this.#place}url: expected an address that begins with ${begin}, received ${received}`,
    );
  }

  #trust(): CertificateTrust | undefined {
    const fields = this.#fields;
    if (!fields.has('fingerprint'))
      return fields.boolean('anyCertificate', false) ? { any: true } : undefined;
    const fingerprint = fingerprintDigits(fields.string('fingerprint'));
    if (fingerprint !== undefined) return { fingerprint };
    throw fields.wrong('fingerprint', 'the 64 hexadecimal digits of a SHA-256 fingerprint');
  }

  #gate(): GateSettings {
    const minutes = this.#number('refresh');
    return defined({
      unchangedBits: this.#number('unchangedBits'),
      refreshMs: minutes === undefined ? undefined : minutes * 60_000,
      staleRepeats: this.#number('staleRepeats'),
      maxAgeMs: this.#milliseconds('maxAge'),
      cooldownMs: this.#milliseconds('cooldown'),
      burst: this.#number('burst'),
    });
  }

  #options(): FrameOptions {
    const fields = this.#fields;
    const masks = this.#list('masks', isPolygon) as readonly Polygon[];
    return defined({
      masks: masks.length > 0 ? masks : undefined,
      normalise: fields.has('normalise') ? fields.oneOf('normalise', normaliseModes) : undefined,
      maxSide: this.#number('maxSide'),
      quality: this.#number('quality'),
    });
  }

  #zones(): readonly Zone[] {
    const zones = this.#list('zones', isZone) as readonly Zone[];
    if (new Set(zones.map(({ name }) => name)).size === zones.length) return zones;
    throw this.#fields.wrong('zones', 'zones with different names');
  }

  #list(key: string, isOne: (each: unknown) => boolean): readonly unknown[] {
    const value = this.#fields.raw(key) ?? [];
    if (Array.isArray(value) && value.every(isOne)) return value;
    throw this.#fields.wrong(key, 'shapes in fractions of the picture, 0 to 1');
  }

  #choices(): readonly string[] | undefined {
    const value = this.#fields.raw('choices');
    if (value === undefined) return undefined;
    const isList = Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '');
    if (isList && value.length >= 2) return value;
    throw this.#fields.wrong('choices', 'a list of at least two strings');
  }

  #secret(key: 'user' | 'password'): string | undefined {
    return secretField(this.#object, key, this.#place, this.#fault);
  }

  #milliseconds(key: keyof typeof watchNumbers, field?: NumberLimits): number | undefined {
    const seconds = this.#number(key, field);
    return seconds === undefined ? undefined : Math.round(seconds * 1000);
  }

  #number(key: keyof typeof watchNumbers, field: NumberLimits = watchNumbers[key]): number | undefined {
    if (!this.#fields.has(key)) return undefined;
    const { least, most, isWhole = false } = field;
    const value = this.#fields.raw(key);
    const isNumber = typeof value === 'number' && value >= least && value <= most;
    if (isNumber && (!isWhole || Number.isInteger(value))) return value;
    throw this.#fields.wrong(key, `a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`);
  }
}
