import type { EngineEvent } from '../protocol/events';
import { isFinal } from '../protocol/ndjson';
import { defined } from '../system/defined';

/**
 * The events of one request on their way to one reader. At most one unread event of each type is kept, so that a slow
 * reader costs little memory: a newer `progress` replaces the unread one but keeps its warning, and unread tokens are joined.
 */
export class EventStream implements AsyncIterable<EngineEvent> {
  /** Oldest first. */
  readonly #unread: EngineEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  readonly #onLeave: () => void;

  /** @param onLeave called once when the reader leaves before the end */
  constructor(onLeave: () => void = () => {}) {
    this.#onLeave = onLeave;
  }

  push(event: EngineEvent): void {
    if (this.#ended) return;
    const index = this.#unread.findIndex(({ type }) => type === event.type);
    const unread = this.#unread[index];
    if (unread?.type === 'token' && event.type === 'token') {
      const logprobs = unread.logprobs && [...unread.logprobs, ...(event.logprobs ?? [])];
      this.#unread[index] = { ...event, text: unread.text + event.text, ...defined({ logprobs }) };
    } else {
      if (unread) this.#unread.splice(index, 1);
      this.#unread.push(withWarning(event, unread));
    }
    if (isFinal(event)) this.#ended = true;
    this.#wake?.();
  }

  /** Ends the stream with no final event: the reader sends the request again, to another engine. */
  cut(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EngineEvent> {
    try {
      for (;;) {
        const event = this.#unread.shift();
        if (event) yield event;
        else if (this.#ended) return;
        else await this.#more();
      }
    } finally {
      this.leave();
    }
  }

  /** Ends the stream because the reader is gone. */
  leave(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unread.length = 0;
    this.#wake?.();
    this.#onLeave();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A step with the warning of the unread one before it, if it has none. */
function withWarning(event: EngineEvent, unread: EngineEvent | undefined): EngineEvent {
  if (event.type !== 'progress' || unread?.type !== 'progress') return event;
  return { ...event, ...defined({ warning: event.warning ?? unread.warning }) };
}
