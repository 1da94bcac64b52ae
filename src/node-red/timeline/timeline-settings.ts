import { resolve } from 'node:path';
import type { RetentionSettings } from '../../timeline/sqlite/retention';
import { fieldChoice } from '../choice-field';
import { invalidField } from '../invalid-field';
import type { CameraField } from '../message-camera';
import type { PictureField } from '../message-pictures';
import { fieldNumber } from '../number-field';
import {
  cameraLimits,
  type DigestChoice,
  digestChoices,
  type KeepChoice,
  keepChoices,
  minutesOfDay,
  standardDigestTime,
  timelineFields,
} from './timeline-fields';

/** The dialog of `smolvlm-timeline`, as Node-RED hands it over. */
export interface TimelineDialog extends PictureField, CameraField {
  readonly folder?: string;
  readonly engine?: string;
  readonly keep?: string;
  readonly days?: string | number;
  readonly megabytes?: string | number;
  readonly cameraLimits?: string;
  readonly digest?: string;
  readonly digestTime?: string;
}

export interface TimelineSettings {
  readonly folder: string;
  readonly retention: RetentionSettings;
  readonly keep: KeepChoice;
  readonly digest: DigestChoice;
  /** Minutes after midnight. */
  readonly digestMinutes: number;
}

/** @param userDir Node-RED's, where a relative folder is @throws SmolvlmError `node-property` */
export function timelineSettings(dialog: TimelineDialog, userDir: string): TimelineSettings {
  const folder = dialog.folder?.trim() || 'smolvlm-timeline';
  const cameras = cameraLimits(dialog.cameraLimits ?? '');
  if (!cameras)
    throw invalidField(
      'cameraLimits',
      'limits such as street: 7 d, 200 MB; porch: 90 d',
      dialog.cameraLimits,
    );
  const digestTime = dialog.digestTime?.trim() || standardDigestTime;
  const digestMinutes = minutesOfDay(digestTime);
  if (digestMinutes === undefined) throw invalidField('digestTime', 'a time such as 20:00', digestTime);
  return {
    folder: resolve(userDir, folder),
    retention: {
      days: fieldNumber(dialog.days, 'days', timelineFields.days),
      megabytes: fieldNumber(dialog.megabytes, 'megabytes', timelineFields.megabytes),
      ...(Object.keys(cameras).length > 0 && { cameras }),
    },
    keep: fieldChoice(dialog.keep, 'keep', keepChoices, 'thumbnail'),
    digest: fieldChoice(dialog.digest, 'digest', digestChoices, 'none'),
    digestMinutes,
  };
}
