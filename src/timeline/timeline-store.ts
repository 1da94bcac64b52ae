import type { SmolvlmError } from '../errors';
import type { NewTimelineEntry, TimelineAnswer, TimelineEntry, TimelinePictures } from './timeline-entry';

/** Which entries; all conditions apply. */
export interface TimelineQuery {
  /** Words as a person types them: all must occur, each may be the beginning of a word; "…" is a phrase, -word excludes. */
  readonly text?: string;
  readonly camera?: string;
  /** Milliseconds since 1970, included. */
  readonly from?: number;
  /** Milliseconds since 1970, not included. */
  readonly to?: number;
  /** True: only entries whose text differs from the one before. */
  readonly changed?: boolean;
  /** Continue a search: `next` of its last page. */
  readonly before?: number;
  /** 1 … 1000; default 50. */
  readonly limit?: number;
}

/** Newest first. */
export interface TimelinePage {
  readonly entries: readonly TimelineEntry[];
  /** Absent on the last page. */
  readonly next?: number;
}

export interface TimelineCamera {
  readonly camera: string;
  readonly entries: number;
  readonly lastMs: number;
}

/** Entries of one day of the machine's time zone. */
export interface TimelineDay {
  /** `2026-11-27` */
  readonly day: string;
  readonly entries: number;
  readonly changed: number;
}

/** What a camera had in a range of times. */
export interface TimelineSummary {
  readonly camera: string;
  readonly entries: number;
  readonly changed: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface TimelineStatistics {
  readonly entries: number;
  readonly cameras: number;
  readonly pictures: number;
  readonly oldestMs?: number;
  readonly newestMs?: number;
  /** Size of the folder's files. */
  readonly bytes: number;
  /** The limit of that size. */
  readonly limitBytes?: number;
}

/** How long entries are kept. The oldest are deleted first. */
export interface TimelineRetention {
  readonly days?: number;
  /** Of the whole folder, or of a camera's share of it. */
  readonly megabytes?: number;
}

/** Limits of a timeline's retention, and what applies where nothing is set. */
export const retentionLimits = {
  days: { least: 1, most: 36_500, isWhole: true, standard: 30 },
  megabytes: { least: 10, most: 10_000_000, isWhole: true, standard: 1000 },
} as const;

/** Keeps captions with their pictures. Every method may reject with a SmolvlmError `timeline-…`. */
export interface TimelineStore {
  /** Resolves when the entry would survive a crash or a loss of power. */
  add(entry: NewTimelineEntry, pictures?: TimelinePictures): Promise<number>;
  search(query?: TimelineQuery): Promise<TimelinePage>;
  /** Keeps the answer to another question with an entry. @returns the entry, or undefined if there is none */
  addAnswer(id: number, question: string, answer: TimelineAnswer): Promise<TimelineEntry | undefined>;
  entry(id: number): Promise<TimelineEntry | undefined>;
  picture(id: number): Promise<Uint8Array | undefined>;
  thumbnail(id: number): Promise<Uint8Array | undefined>;
  /** @returns how many there were */
  remove(ids: readonly number[]): Promise<number>;
  cameras(): Promise<readonly TimelineCamera[]>;
  /** Newest first. */
  days(query?: { readonly camera?: string }): Promise<readonly TimelineDay[]>;
  /** Cameras with entries from one time to another, which is not included; milliseconds since 1970. */
  summary(range: { readonly from: number; readonly to: number }): Promise<readonly TimelineSummary[]>;
  statistics(): Promise<TimelineStatistics>;
  /** Called for each new entry, after it is kept. @returns a function that ends it */
  onAdded(listener: (entry: TimelineEntry) => void): () => void;
  /** Called for what went wrong without a caller: a damaged file was moved aside. @returns a function that ends it */
  onTrouble(listener: (error: SmolvlmError) => void): () => void;
  /** What was asked before is still answered. */
  close(): Promise<void>;
}
