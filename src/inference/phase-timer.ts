import type { Timings } from '../protocol/frame-result';
import type { InferenceHooks } from './inference';

/** What a request tells its caller, with the timer of its phases. */
export interface TimedHooks extends InferenceHooks {
  readonly timer: PhaseTimer;
}

/** A phase of a caption; `wait` counts towards the total only. */
type Phase = Exclude<keyof Timings, 'total'> | 'wait';

/** Adds up the time of each phase of a request. */
export class PhaseTimer {
  readonly #startedAt = performance.now();
  readonly #phasesMs = { image: 0, vision: 0, prefill: 0, decode: 0, wait: 0 };
  #lastEndedAt = this.#startedAt;
  /** Waits since then. */
  #excludedMs = 0;
  #waitedUntil = 0;

  /** Ends a phase: the time since the previous one ended is added to it. */
  end(phase: Phase): void {
    const now = performance.now();
    this.#phasesMs[phase] += now - this.#lastEndedAt - this.#excludedMs;
    this.#lastEndedAt = now;
    this.#excludedMs = 0;
  }

  /** Counts the time since `startedAtMs` as waiting; waits that overlap, of several tiles, are counted once. */
  exclude(startedAtMs: number): void {
    const now = performance.now();
    const waitedMs = now - Math.max(startedAtMs, this.#waitedUntil, this.#lastEndedAt);
    this.#waitedUntil = now;
    this.#phasesMs.wait += waitedMs;
    this.#excludedMs += waitedMs;
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
