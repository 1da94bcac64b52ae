import type { FinalEvent } from '../protocol/events';
import type { Clock } from '../system/clock';

/** Final events by id, kept for a while: a client that lost the connection asks again under the same id. */
export class AnsweredRequests {
  readonly #answers = new Map<string, { readonly final: FinalEvent; readonly atMs: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly keepMs = 10 * 60_000,
    private readonly capacity = 1000,
  ) {}

  add(final: FinalEvent): void {
    this.#answers.set(final.id, { final, atMs: this.clock.now() });
    for (const [id, { atMs }] of this.#answers) {
      const old = this.clock.now() - atMs > this.keepMs;
      if (!old && this.#answers.size <= this.capacity) break;
      this.#answers.delete(id);
    }
  }

  get(id: string): FinalEvent | undefined {
    return this.#answers.get(id)?.final;
  }
}
