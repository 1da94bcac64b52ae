import type { Timings } from '../protocol/frame-result';

/** A phase of a caption; `wait` counts towards the total only. */
type Phase = Exclude<keyof Timings, 'total'> | 'wait';

/** Adds up the time of each phase of a request. */
export class PhaseTimer {
  readonly #startedAt = performance.now();
  readonly #phasesMs = { image: 0, vision: 0, prefill: 0, decode: 0, wait: 0 };
  #lastEndedAt = this.#startedAt;

  /** Ends a phase: the time since the previous one ended is added to it. */
  end(phase: Phase): void {
    const now = performance.now();
    this.#phasesMs[phase] += now - this.#lastEndedAt;
    this.#lastEndedAt = now;
  }

  ms(phase: Phase): number {
    return this.#phasesMs[phase];
  }

  timings(): Timings {
    const { image, vision, prefill, decode } = this.#phasesMs;
    return {
      image: rounded(image),
      vision: rounded(vision),
      prefill: rounded(prefill),
      decode: rounded(decode),
      total: rounded(performance.now() - this.#startedAt),
    };
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
