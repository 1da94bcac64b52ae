import type { DescribeRequest } from '../protocol/describe-request';
import type { EngineEvent, FinalEvent } from '../protocol/events';
import { isFinal } from '../protocol/ndjson';
import { type Clock, systemClock } from '../system/clock';
import { EventStream } from './event-stream';

/** One request in the engine, from its receipt to its final event, and its readers. */
export class EngineRequest {
  readonly #clock: Clock;
  readonly abort = new AbortController();
  readonly receivedAtMs: number;
  readonly #timers: (() => void)[] = [];
  readonly #readers = new Set<EventStream>();
  readonly #onAbandoned: () => void;
  /** Events that a reader who joins late receives first. */
  #queued: EngineEvent | undefined;
  #progress: EngineEvent | undefined;
  #tokens = '';
  #final: FinalEvent | undefined;
  #pictures: readonly Uint8Array[];

  /** @param onAbandoned called whenever the last reader leaves before the end */
  constructor(
    readonly input: DescribeRequest,
    pictures: readonly Uint8Array[],
    clock: Clock = systemClock,
    onAbandoned: () => void = () => {},
  ) {
    this.#clock = clock;
    this.receivedAtMs = clock.now();
    this.#pictures = pictures;
    this.#onAbandoned = onAbandoned;
  }

  get id(): string {
    return this.input.id;
  }

  get final(): FinalEvent | undefined {
    return this.#final;
  }

  /** Empty once the request has ended. */
  get pictures(): readonly Uint8Array[] {
    return this.#pictures;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Whether it was taken from the queue. */
  get started(): boolean {
    return this.#progress !== undefined;
  }

  /** Calls back after a time, unless the request has ended by then. */
  later(ms: number, callback: () => void): void {
    this.#timers.push(this.#clock.after(ms, callback));
  }

  /** @returns a stream of the events so far, then of those to come */
  attach(): EventStream {
    const stream = new EventStream(() => {
      this.#readers.delete(stream);
      if (this.#readers.size === 0 && !this.#final) this.#onAbandoned();
    });
    const tokens: EngineEvent | undefined =
      this.#tokens === '' ? undefined : { type: 'token', id: this.id, text: this.#tokens };
    for (const event of [this.#queued, this.#progress, tokens, this.#final]) {
      if (event) stream.push(event);
    }
    if (!this.#final) this.#readers.add(stream);
    return stream;
  }

  /** Sends an event to every reader; does nothing after the final event. @returns whether it was sent */
  emit(event: EngineEvent): boolean {
    if (this.#final) return false;
    if (event.type === 'queued') this.#queued = event;
    else if (event.type === 'progress') this.#progress = event;
    else if (event.type === 'token') this.#tokens += event.text;
    else this.#final = event;
    for (const reader of this.#readers) reader.push(event);
    if (isFinal(event)) {
      this.#readers.clear();
      this.release();
    }
    return true;
  }

  /** Ends all streams with no final event because the engine stops: clients send the request to its successor. */
  cut(): void {
    for (const reader of this.#readers) reader.cut();
    this.#readers.clear();
    this.release();
  }

  /** Drops pictures and timers. */
  release(): void {
    this.#pictures = [];
    for (const cancel of this.#timers.splice(0)) cancel();
  }
}
