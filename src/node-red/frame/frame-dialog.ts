import { SmolvlmError } from '../../errors';
import type { GateSettings } from '../../frame/frame-gate';
import type { Credentials } from '../../picture/fetch-picture';
import type { FrameOptions } from '../../picture/prepared-frame';
import { withoutLogin } from '../../picture/without-login';
import { defined } from '../../system/defined';
import { fieldChoice } from '../choice-field';
import { fieldNumber } from '../number-field';
import { frameFields, normaliseChoices, sourceChoices, sourceProtocols } from './frame-fields';
import type { Zone } from './frame-intake';

/** The dialog's fields as Node-RED keeps them: text, mostly. */
export interface FrameDialog {
  readonly source?: string;
  readonly image?: string;
  readonly imageType?: string;
  readonly camera?: string;
  readonly cameraType?: string;
  readonly url?: string;
  readonly folder?: string;
  /** Seconds. */
  readonly interval?: string | number;
  readonly timeout?: string | number;
  readonly retries?: string | number;
  readonly zones?: readonly Zone[] | string;
  readonly masks?: FrameOptions['masks'] | string;
  readonly normalise?: string;
  readonly maxSide?: string | number;
  readonly quality?: string | number;
  readonly unchanged?: boolean;
  readonly unchangedBits?: string | number;
  /** Minutes. */
  readonly refresh?: string | number;
  readonly staleRepeats?: string | number;
  /** Seconds. */
  readonly maxAge?: string | number;
  readonly cooldown?: string | number;
  readonly burst?: string | number;
}

export interface FrameSettings {
  readonly gate: GateSettings;
  readonly options: FrameOptions;
  readonly zones: readonly Zone[];
}

/** A source of the node's own. */
export type SourceSettings =
  | { readonly kind: 'message' }
  | {
      readonly kind: 'snapshot';
      readonly url: URL;
      readonly intervalMs?: number;
      readonly timeoutMs: number;
      readonly retries: number;
    }
  | {
      readonly kind: 'mjpeg' | 'rtsp';
      readonly url: URL;
      readonly intervalMs: number;
      readonly silentMs: number;
    }
  | { readonly kind: 'folder'; readonly folder: string; readonly intervalMs: number };

/** @throws SmolvlmError `node-property` naming the field, what was expected and what it holds */
export function frameSettings(dialog: FrameDialog): FrameSettings {
  const bits = number(dialog, 'unchangedBits');
  const gate = defined({
    unchangedBits: dialog.unchanged === true ? bits : undefined,
    refreshMs: times(number(dialog, 'refresh'), 60_000),
    staleRepeats: number(dialog, 'staleRepeats'),
    maxAgeMs: times(number(dialog, 'maxAge'), 1000),
    cooldownMs: times(number(dialog, 'cooldown'), 1000),
    burst: number(dialog, 'burst'),
  });
  const masks = list<readonly (readonly [number, number])[]>(dialog.masks, 'masks', isPolygon);
  const normalise = fieldChoice(dialog.normalise, 'normalise', normaliseChoices, '') || undefined;
  const options = defined({
    masks: masks.length > 0 ? masks : undefined,
    normalise,
    maxSide: number(dialog, 'maxSide'),
    quality: number(dialog, 'quality'),
  });
  const zones = list<Zone>(dialog.zones, 'zones', isZone);
  if (new Set(zones.map(({ name }) => name)).size < zones.length) {
    throw invalid('zones', 'zones of different names', zones.map(({ name }) => name).join(', '));
  }
  return { gate, options, zones };
}

/** @throws SmolvlmError `node-property` */
export function sourceSettings(dialog: FrameDialog): SourceSettings {
  const source = fieldChoice(dialog.source, 'source', sourceChoices, 'message');
  const intervalMs = times(number(dialog, 'interval'), 1000);
  if (source === 'message') return { kind: source };
  if (source === 'folder') {
    const folder = (dialog.folder ?? '').trim();
    if (folder === '') throw invalid('folder', 'the path of a folder', 'nothing');
    return { kind: source, folder, intervalMs: Math.max(200, intervalMs ?? 1000) };
  }
  const url = address(dialog.url, sourceProtocols[source] ?? []);
  const timeoutMs = number(dialog, 'timeout') * 1000;
  if (source === 'snapshot') {
    const retries = number(dialog, 'retries');
    return { kind: source, url, timeoutMs, retries, ...(intervalMs ? { intervalMs } : {}) };
  }
  const pace = Math.max(40, intervalMs ?? 1000);
  return { kind: source, url, intervalMs: pace, silentMs: Math.max(timeoutMs, 3 * pace) };
}

/** Of the node's credentials. */
export function sourceCredentials(
  given: { user?: string; password?: string } | undefined,
): Credentials | undefined {
  return given?.user ? { user: given.user, password: given.password ?? '' } : undefined;
}

function address(text: string | undefined, protocols: readonly string[]): URL {
  const url = URL.canParse(text?.trim() ?? '') ? new URL(text?.trim() ?? '') : undefined;
  if (url && protocols.includes(url.protocol)) return url;
  throw invalid(
    'url',
    `an address that begins with ${protocols.map((each) => `${each}//`).join(' or ')}`,
    withoutLogin(text || 'nothing'),
  );
}

function number<Name extends keyof typeof frameFields>(
  dialog: FrameDialog,
  name: Name,
): ReturnType<typeof fieldNumber<(typeof frameFields)[Name]>> {
  return fieldNumber(dialog[name], name, frameFields[name]);
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

function list<T>(value: unknown, field: string, isOne: (each: unknown) => boolean): readonly T[] {
  let parsed: unknown = value ?? [];
  if (typeof parsed === 'string') {
    try {
      parsed = parsed.trim() === '' ? [] : (JSON.parse(parsed) as unknown);
    } catch {
      throw invalid(field, 'a JSON array', String(value));
    }
  }
  if (Array.isArray(parsed) && parsed.every(isOne)) return parsed as T[];
  throw invalid(field, 'shapes in fractions of the picture, 0 to 1', JSON.stringify(value));
}

const isFraction = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;

function isPolygon(value: unknown): boolean {
  const isPoint = (point: unknown): boolean =>
    Array.isArray(point) && point.length === 2 && point.every(isFraction);
  return Array.isArray(value) && value.length >= 3 && value.every(isPoint);
}

function isZone(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, x, y, width, height } = value as Partial<Record<keyof Zone, unknown>>;
  // The dialog keeps four digits, so that a zone at the edge may be that much too wide.
  const fits = Number(x) + Number(width) <= 1.0001 && Number(y) + Number(height) <= 1.0001;
  const inside = [x, y, width, height].every(isFraction) && Number(width) > 0 && Number(height) > 0 && fits;
  return typeof name === 'string' && name !== '' && inside;
}

function invalid(field: string, expected: string, received: string): SmolvlmError {
  return new SmolvlmError(
    'node-property',
    `${field}: expected ${expected}, received ${received.slice(0, 100)}`,
    {
      hint: 'Open the node and correct the field.',
    },
  );
}
