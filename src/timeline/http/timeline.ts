import type { DescribeFinal, EngineEvent } from '../../protocol/events';
import type { TimelineStore } from '../timeline-store';

/** Sends a stored picture to the engine. Never rejects. */
export type AskPicture = (
  question: string,
  picture: Uint8Array,
  options: { readonly onEvent: (event: EngineEvent) => void; readonly signal: AbortSignal },
) => Promise<DescribeFinal>;

/** A timeline as the API serves it. */
export interface Timeline {
  /** Part of the address. */
  readonly id: string;
  readonly name: string;
  readonly store: TimelineStore;
  /** Absent without an engine: stored pictures cannot be asked. */
  readonly ask?: AskPicture;
}
