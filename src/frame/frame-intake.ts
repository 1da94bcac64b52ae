import { createHash } from 'node:crypto';
import { SmolvlmError } from '../errors';
import type { FrameOptions, PreparedFrame } from '../picture/prepared-frame';
import { defined } from '../system/defined';
import type { Rectangle } from '../system/picture-shapes';
import type { FrameGate, Held } from './frame-gate';
import type { Zone } from './picture-zones';

/** A picture as it came, with what is returned with the verdict. */
export interface ArrivedPicture<T> {
  readonly camera: string;
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970; absent if unknown. */
  readonly capturedAt?: number;
  readonly tag: T;
}

/** What became of a picture, or of one zone of it. */
export type FrameVerdict = { readonly zone?: string } & (
  | { readonly frame: PreparedFrame & { readonly jpeg: Uint8Array } }
  | { readonly held: Held }
  | { readonly error: unknown }
);

export interface FrameIntakeOptions<T> {
  readonly gate: FrameGate;
  readonly prepare: (bytes: Uint8Array, options: FrameOptions) => Promise<PreparedFrame>;
  readonly options: FrameOptions;
  /** None: the whole picture, or its crop. */
  readonly zones: readonly Zone[];
  /** Called once for a picture, with a verdict for each zone. */
  readonly onVerdicts: (picture: ArrivedPicture<T>, verdicts: readonly FrameVerdict[]) => void;
  /** The newer picture's tag when it replaces an older one without a verdict; undefined: the older one is superseded. */
  readonly join?: (older: T, newer: T) => T | undefined;
  readonly now?: () => number;
}

/**
 * Pictures on their way through the filters: of each camera one at a time, in order; while one is prepared, the newest
 * waits and those between are superseded.
 */
export class FrameIntake<T> {
  readonly #options: FrameIntakeOptions<T>;
  readonly #now: () => number;
  /** Cameras at work, each with the picture that waits. */
  readonly #cameras = new Map<string, ArrivedPicture<T> | undefined>();

  constructor(options: FrameIntakeOptions<T>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  offer(picture: ArrivedPicture<T>): void {
    const { camera } = picture;
    if (!this.#cameras.has(camera)) {
      this.#cameras.set(camera, undefined);
      void this.#work(picture);
      return;
    }
    const waiting = this.#cameras.get(camera);
    const tag = waiting && this.#options.join?.(waiting.tag, picture.tag);
    this.#cameras.set(camera, tag === undefined ? picture : { ...picture, tag });
    if (waiting && tag === undefined) {
      const message = `a newer picture of camera "${camera}" arrived before this one was prepared`;
      this.#options.onVerdicts(waiting, [{ held: { reason: 'superseded', message } }]);
    }
  }

  async #work(first: ArrivedPicture<T>): Promise<void> {
    const { camera } = first;
    for (let picture: ArrivedPicture<T> | undefined = first; picture; ) {
      this.#options.onVerdicts(picture, await this.#verdicts(picture));
      picture = this.#cameras.get(camera);
      if (picture) this.#cameras.set(camera, undefined);
      else this.#cameras.delete(camera);
    }
  }

  async #verdicts(picture: ArrivedPicture<T>): Promise<readonly FrameVerdict[]> {
    const sha256 = createHash('sha256').update(picture.bytes).digest('hex');
    const { zones } = this.#options;
    if (zones.length === 0) return [await this.#verdict(picture, sha256)];
    const verdicts: FrameVerdict[] = [];
    for (const zone of zones) {
      verdicts.push({ ...(await this.#verdict(picture, sha256, zone)), zone: zone.name });
    }
    return verdicts;
  }

  async #verdict(
    { camera, bytes, capturedAt }: ArrivedPicture<T>,
    sha256: string,
    zone?: Zone,
  ): Promise<FrameVerdict> {
    const { gate, prepare, options } = this.#options;
    const key = zone ? `${camera}/${zone.name}` : camera;
    // One time for all questions about a frame: a refresh that falls due while it is prepared waits for the next one.
    const now = this.#now();
    const held = gate.arrive({ camera: key, sha256, ...defined({ capturedAt }) }, now);
    if (held) return { held };
    try {
      const unless = gate.unless(key, now);
      const { jpeg, ...frame } = await prepare(bytes, {
        ...options,
        ...defined({ crop: zone && cropOf(zone), unless }),
      });
      const unchanged = gate.decoded(key, frame.differenceHash, now, unless);
      if (unchanged) return { held: unchanged };
      return jpeg
        ? { frame: { ...frame, jpeg } }
        : { error: new SmolvlmError('image-child-lost', 'the image process did not return a picture') };
    } catch (error) {
      return { error };
    }
  }
}

/** The zone as a crop; what rounding puts beyond the edge is cut off. */
function cropOf({ x, y, width, height }: Zone): Rectangle {
  return { x, y, width: Math.min(width, 1 - x), height: Math.min(height, 1 - y) };
}
