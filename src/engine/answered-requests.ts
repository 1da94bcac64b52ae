import type { FinalEvent } from '../protocol/events';
import type { Clock } from '../system/clock';

export interface AnsweredRequestsOptions {
  readonly clock: Clock;
  readonly keepMs?: number;
  readonly maxEvents?: number;
  /** Of the events as JSON; a thumbnail is most of an event that has one. */
  readonly maxBytes?: number;
}

interface Answered {
  readonly final: FinalEvent;
  readonly sizeBytes: number;
  readonly atMs: number;
}

/**
 * Final events by request id, kept for a while: a client that lost its connection sends the request again under the same
 * id. The oldest go first when there are too many, or when they are too large together.
 */
export class AnsweredRequests {
  /** Oldest first. */
  readonly #answered = new Map<string, Answered>();
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #sizeBytes = 0;

  constructor({ clock, keepMs, maxEvents, maxBytes }: AnsweredRequestsOptions) {
    this.#clock = clock;
    this.#keepMs = keepMs ?? 10 * 60_000;
    this.#maxEvents = maxEvents ?? 1000;
    this.#maxBytes = maxBytes ?? 16 * 1024 * 1024;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(final: FinalEvent): void {
    this.#forget(final.id);
    const sizeBytes = Buffer.byteLength(JSON.stringify(final));
    this.#answered.set(final.id, { final, sizeBytes, atMs: this.#clock.now() });
    this.#sizeBytes += sizeBytes;
    for (const [id, answered] of this.#answered) {
      const tooMany = this.#answered.size > this.#maxEvents || this.#sizeBytes > this.#maxBytes;
      if (!tooMany && !this.#isOld(answered)) return;
      this.#forget(id);
    }
  }

  get(id: string): FinalEvent | undefined {
    const answered = this.#answered.get(id);
    return answered && !this.#isOld(answered) ? answered.final : undefined;
  }

  #isOld({ atMs }: Answered): boolean {
    return this.#clock.now() - atMs > this.#keepMs;
  }

  #forget(id: string): void {
    this.#sizeBytes -= this.#answered.get(id)?.sizeBytes ?? 0;
    this.#answered.delete(id);
  }
}
