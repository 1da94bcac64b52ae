import { defined } from '../../system/defined';
import { retentionLimits } from '../../timeline/timeline-store';
import { isWithin, type NumberField } from '../number-field';

// The dialog of smolvlm-timeline, in the form that dialog and runtime share.

/** What is kept of the picture. */
export const keepChoices = ['thumbnail', 'picture', 'none'] as const;
export type KeepChoice = (typeof keepChoices)[number];

export const digestChoices = ['none', 'daily', 'weekly', 'both'] as const;
export type DigestChoice = (typeof digestChoices)[number];

export const timelineFields = retentionLimits satisfies Readonly<Record<string, NumberField>>;

/** Megabytes of one camera. */
const shareField: NumberField = { ...timelineFields.megabytes, least: 1 };

export const standardDigestTime = '20:00';

/** `8:05` or `20:00` @returns minutes after midnight */
export function minutesOfDay(text: string): number | undefined {
  const match = /^\s*([01]?\d|2[0-3]):([0-5]\d)\s*$/.exec(text);
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
}

/** Limits of one camera. */
export interface CameraLimit {
  readonly days?: number;
  readonly megabytes?: number;
}

/** `street: 7 d, 200 MB; porch: 90 d` @returns undefined if the text is not of this form */
export function cameraLimits(text: string): Readonly<Record<string, CameraLimit>> | undefined {
  const limits: Record<string, CameraLimit> = {};
  for (const part of text.split(/[;\n]/).filter((each) => each.trim() !== '')) {
    const match = /^\s*(.+?)\s*:\s*(?:(\d+)\s*d)?\s*,?\s*(?:(\d+)\s*MB)?\s*$/i.exec(part);
    const [, camera, days, megabytes] = match ?? [];
    if (
      camera === undefined ||
      (days === undefined && megabytes === undefined) ||
      Object.hasOwn(limits, camera)
    )
      return undefined;
    if (days !== undefined && !isWithin(timelineFields.days, days)) return undefined;
    if (megabytes !== undefined && !isWithin(shareField, megabytes)) return undefined;
    limits[camera] = defined({
      days: days === undefined ? undefined : Number(days),
      megabytes: megabytes === undefined ? undefined : Number(megabytes),
    });
  }
  return limits;
}
