/** Limits of a number that is set for a camera. */
export interface NumberLimits {
  readonly least: number;
  readonly most: number;
  /** Whole numbers only. */
  readonly isWhole?: boolean;
  /** Used where nothing is set. */
  readonly standard?: number;
}

/** Kinds of a camera's own source of pictures. */
export const cameraSources = ['snapshot', 'mjpeg', 'rtsp', 'folder'] as const;

/** How the address of a source begins. */
export const sourceProtocols = {
  snapshot: ['http:', 'https:'],
  mjpeg: ['http:', 'https:'],
  rtsp: ['rtsp:', 'rtsps:'],
} as const;

export const normaliseModes = ['contrast', 'night'] as const;

/** A camera's numbers, as the frame node's dialog and `smolvlm watch` take them. */
export const frameLimits = {
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
} as const satisfies Readonly<Record<string, NumberLimits>>;

/** Seconds between two pictures: 25 a second, or five scans of a folder. */
const leastIntervals = { snapshot: 0.04, mjpeg: 0.04, rtsp: 0.04, folder: 0.2 } as const;

/** Limits of the interval of a source that delivers pictures by itself. */
export function intervalLimits(source: (typeof cameraSources)[number]): NumberLimits {
  return { ...frameLimits.interval, least: leastIntervals[source] };
}
