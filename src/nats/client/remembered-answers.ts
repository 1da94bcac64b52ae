import type { FinalEvent } from '../../protocol/events';
import { answerMs } from '../frame-streams';

const mostAnswers = 100;

/** The latest results of requests whose senders chose the id, for those that are sent again while the server is away. */
export class RememberedAnswers {
  readonly #now: () => number;
  /** By id, oldest first. */
  readonly #finals = new Map<string, { readonly final: FinalEvent; readonly at: number }>();

  /** @param now a clock that never jumps, milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  add(id: string, final: FinalEvent): void {
    if (final.type !== 'result') return;
    this.#finals.delete(id);
    this.#finals.set(id, { final, at: this.#now() });
    const [oldest = ''] = this.#finals.keys();
    if (this.#finals.size > mostAnswers) this.#finals.delete(oldest);
  }

  /** @returns undefined once the server does not keep it either */
  get(id: string): FinalEvent | undefined {
    const answered = this.#finals.get(id);
    return answered && this.#now() - answered.at < answerMs ? answered.final : undefined;
  }
}
