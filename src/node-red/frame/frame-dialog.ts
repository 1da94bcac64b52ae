import type { GateSettings } from '../../frame/frame-gate';
import { isPolygon, isZone, type Zone } from '../../frame/picture-zones';
import type { FrameOptions } from '../../picture/prepared-frame';
import { defined } from '../../system/defined';
import type { Polygon } from '../../system/picture-shapes';
import { fieldChoice } from '../choice-field';
import { invalidField } from '../invalid-field';
import type { CameraField } from '../message-camera';
import type { PictureField } from '../message-pictures';
import { normaliseChoices } from './frame-fields';
import { frameList, frameNumber, times } from './frame-values';

/** The dialog of `smolvlm-frame`, as Node-RED hands it over. */
export interface FrameDialog extends PictureField, CameraField {
  readonly source?: string;
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
    throw invalidField('zones', 'zones with different names', zones.map(({ name }) => name).join(', '));
  }
  return { gate, options, zones };
}
