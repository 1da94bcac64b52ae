import type { NumberField } from '../number-field';

// The dialog of smolvlm-frame, in the form that dialog and runtime share.

export const sourceChoices = ['message', 'snapshot', 'mjpeg', 'rtsp', 'folder'] as const;
export type SourceChoice = (typeof sourceChoices)[number];

/** How the address of a source begins. */
export const sourceProtocols: Readonly<Partial<Record<SourceChoice, readonly string[]>>> = {
  snapshot: ['http:', 'https:'],
  mjpeg: ['http:', 'https:'],
  rtsp: ['rtsp:', 'rtsps:'],
};

/** Blank: pictures keep their brightness. */
export const normaliseChoices = ['', 'contrast', 'night'] as const;

/** Seconds between two pictures of a source that delivers them by itself: a decoder's 25 a second, a folder's five scans. */
const leastIntervals: Readonly<Partial<Record<SourceChoice, number>>> = {
  mjpeg: 0.04,
  rtsp: 0.04,
  folder: 0.2,
};

export const frameFields = {
  /** Seconds. */
  interval: { least: 0, most: 86_400 },
  /** Seconds. */
  timeout: { least: 0.1, most: 3_600, standard: 10 },
  retries: { least: 0, most: 10, isWhole: true, standard: 2 },
  /** Pixels. */
  maxSide: { least: 16, most: 8_192, isWhole: true },
  /** Of JPEG. */
  quality: { least: 1, most: 100, isWhole: true },
  /** Of 512: noise and compression change fewer than 10, a person a third as high as the picture more. */
  unchangedBits: { least: 0, most: 512, isWhole: true, standard: 10 },
  /** Minutes. */
  refresh: { least: 0, most: 1_000_000 },
  /** Seconds. */
  cooldown: { least: 0, most: 1_000_000 },
  /** Frames before a pause. */
  burst: { least: 1, most: 1_000_000, isWhole: true },
  staleRepeats: { least: 2, most: 1_000_000, isWhole: true },
  /** Seconds. */
  maxAge: { least: 0, most: 1_000_000_000 },
} as const satisfies Readonly<Record<string, NumberField>>;

/** Limits of the interval of a source. */
export function intervalField(source: SourceChoice): NumberField {
  return { ...frameFields.interval, least: leastIntervals[source] ?? frameFields.interval.least };
}
