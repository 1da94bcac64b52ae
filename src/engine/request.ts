import type { DescribeRequest } from '../protocol/describe-request';
import type { EngineEvent, FinalEvent } from '../protocol/events';
import { isFinal } from '../protocol/ndjson';
import { type Clock, systemClock } from '../system/clock';
import { EventStream } from './event-stream';

/** One request from its receipt to its final event, and everybody who listens to it. */
export class EngineRequest {
  readonly abort = new AbortController();
  readonly receivedAtMs: number;
  readonly #timers: (() => void)[] = [];
  readonly #readers = new Set<EventStream>();
  readonly #onAlone: () => void;
  /** What a reader who comes late must be told. */
  #queued: EngineEvent | undefined;
  #progress: EngineEvent | undefined;
  #tokens = '';
  #final: FinalEvent | undefined;
  #pictures: readonly Uint8Array[];

  /** @param onAlone called whenever the last reader left before the end */
  constructor(
    readonly request: DescribeRequest,
    pictures: readonly Uint8Array[],
    private readonly clock: Clock = systemClock,
    onAlone: () => void = () => {},
  ) {
    this.receivedAtMs = clock.now();
    this.#pictures = pictures;
    this.#onAlone = onAlone;
  }

  get id(): string {
    return this.request.id;
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

  /** It was taken from the queue. */
  get started(): boolean {
    return this.#progress !== undefined;
  }

  /** Calls back unless the request has ended by then. */
  later(ms: number, callback: () => void): void {
    this.#timers.push(this.clock.after(ms, callback));
  }

  /** Tells the story so far, then what comes. */
  attach(): EventStream {
    const stream = new EventStream(() => {
      this.#readers.delete(stream);
      if (this.#readers.size === 0 && !this.#final) this.#onAlone();
    });
    const tokens: EngineEvent | undefined =
      this.#tokens === '' ? undefined : { type: 'token', id: this.id, text: this.#tokens };
    for (const event of [this.#queued, this.#progress, tokens, this.#final]) {
      if (event) stream.push(event);
    }
    if (!this.#final) this.#readers.add(stream);
    return stream;
  }

  /** Tells every reader; after the final event nothing is told any more. @returns whether it was told */
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

  /** The engine stops: readers are let go with no final event, to ask its successor. */
  cut(): void {
    for (const reader of this.#readers) reader.cut();
    this.#readers.clear();
    this.release();
  }

  /** Lets go of pictures and timers. */
  release(): void {
    this.#pictures = [];
    for (const cancel of this.#timers.splice(0)) cancel();
  }
}
