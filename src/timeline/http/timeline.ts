import type { DescribeRequest } from '../../protocol/describe-request';
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

/** The request for a question about a stored picture: somebody waits for it, and few wait at the same time. */
export function storedQuestion(question: string): Omit<DescribeRequest, 'id'> {
  return {
    prompt: question,
    camera: 'timeline',
    priority: 10,
    queue: { policy: 'reject', capacity: 8 },
    stream: true,
  };
}
