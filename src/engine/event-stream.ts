import type { EngineEvent } from '../protocol/events';
import { isFinal } from '../protocol/ndjson';

/**
 * The events of one request on their way to one reader. A slow reader costs little memory: of the
 * progress it has not read only the newest is kept, and unread tokens are joined.
 */
export class EventStream implements AsyncIterable<EngineEvent> {
  readonly #unread: EngineEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  readonly #onReaderGone: () => void;

  /** @param onReaderGone called once when the reader stops before the end */
  constructor(onReaderGone: () => void = () => {}) {
    this.#onReaderGone = onReaderGone;
  }

  push(event: EngineEvent): void {
    if (this.#ended) return;
    const last = this.#unread.at(-1);
    if (last?.type === 'progress' && event.type === 'progress') this.#unread.pop();
    if (last?.type === 'token' && event.type === 'token') {
      this.#unread.pop();
      this.#unread.push({ ...event, text: last.text + event.text });
    } else {
      this.#unread.push(event);
    }
    if (isFinal(event)) this.#ended = true;
    this.#wake?.();
  }

  /** Ends the stream with no final event: the reader asks again, elsewhere. */
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

  /** The reader is gone. */
  leave(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unread.length = 0;
    this.#wake?.();
    this.#onReaderGone();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
