/** One answer to a named question: a text, a number, yes or no, a JSON value, or null if the model was not sure. */
export type TimelineAnswer =
  | string
  | number
  | boolean
  | null
  | readonly TimelineAnswer[]
  | { readonly [name: string]: TimelineAnswer };

/** What a camera's picture was described as, at one moment. */
export interface TimelineEntry {
  /** Unique and sorted by time: the milliseconds since 1970 times 1000, plus a number that separates entries of one millisecond. */
  readonly id: number;
  readonly camera: string;
  /** When the picture was taken, milliseconds since 1970. */
  readonly timeMs: number;
  /** The caption, or the answer as text. */
  readonly text: string;
  /** Answers by the question or by a field's name. */
  readonly answers?: Readonly<Record<string, TimelineAnswer>>;
  readonly prompt?: string;
  readonly model?: string;
  /** Whether the text differs from the camera's entry before. */
  readonly changed: boolean;
  /** How long the answer took. */
  readonly seconds?: number;
  readonly hasPicture: boolean;
  readonly hasThumbnail: boolean;
  /** Pixels of the picture. */
  readonly width?: number;
  readonly height?: number;
}

/** An entry before it is kept. */
export interface NewTimelineEntry
  extends Omit<TimelineEntry, 'id' | 'changed' | 'hasPicture' | 'hasThumbnail' | 'timeMs'> {
  /** Default: now. */
  readonly timeMs?: number;
  /** Default: whether the words differ from those of the camera's entry before. */
  readonly changed?: boolean;
}

/** Pictures of a new entry, as JPEG, PNG or WebP files. Privacy masks are already drawn into them. */
export interface TimelinePictures {
  readonly thumbnail?: Uint8Array;
  readonly picture?: Uint8Array;
}
