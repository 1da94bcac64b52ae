import type { GateSettings } from '../../frame/frame-gate';
import type { FrameOptions } from '../../picture/prepared-frame';
import { defined } from '../../system/defined';
import type { Polygon } from '../../system/picture-shapes';
import { fieldChoice } from '../choice-field';
import { normaliseChoices } from './frame-fields';
import type { Zone } from './frame-intake';
import { frameList, frameNumber, invalidField, times } from './frame-values';

/** The dialog's fields as Node-RED keeps them: text, mostly. */
export interface FrameDialog {
  readonly source?: string;
  readonly image?: string;
  readonly imageType?: string;
  readonly camera?: string;
  readonly cameraType?: string;
  /** May hold `{user}` and `{password}`. */
  readonly url?: string;
  readonly fingerprint?: string;
  readonly anyCertificate?: boolean;
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

/** @throws SmolvlmError `node-property` naming the field, what was expected and what it holds */
export function frameSettings(dialog: FrameDialog): FrameSettings {
  const bits = frameNumber(dialog, 'unchangedBits');
  const gate = defined({
    unchangedBits: dialog.unchanged === true ? bits : undefined,
    refreshMs: times(frameNumber(dialog, 'refresh'), 60_000),
    staleRepeats: frameNumber(dialog, 'staleRepeats'),
    maxAgeMs: times(frameNumber(dialog, 'maxAge'), 1000),
    cooldownMs: times(frameNumber(dialog, 'cooldown'), 1000),
    burst: frameNumber(dialog, 'burst'),
  });
  const masks = frameList<Polygon>(dialog.masks, 'masks', isPolygon);
  const normalise = fieldChoice(dialog.normalise, 'normalise', normaliseChoices, '') || undefined;
  const options = defined({
    masks: masks.length > 0 ? masks : undefined,
    normalise,
    maxSide: frameNumber(dialog, 'maxSide'),
    quality: frameNumber(dialog, 'quality'),
  });
  const zones = frameList<Zone>(dialog.zones, 'zones', isZone);
  if (new Set(zones.map(({ name }) => name)).size < zones.length) {
    throw invalidField('zones', 'zones of different names', zones.map(({ name }) => name).join(', '));
  }
  return { gate, options, zones };
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
