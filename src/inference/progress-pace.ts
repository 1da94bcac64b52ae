import type { Progress } from '../protocol/events';

/** Steps that follow each other faster are not told apart by anyone, and each one wakes the threads that pass it on. */
const shortestIntervalMs = 100;

/** Selects the steps of a request that its reader is told of: the first, each new warning, and one every 100 ms. */
export class ProgressPace {
  readonly #now: () => number;
  #lastToldMs = Number.NEGATIVE_INFINITY;
  readonly #toldWarnings = new Set<string>();

  /** @param now milliseconds of a steady clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns whether the reader is told of this step */
  tells(progress: Progress): boolean {
    const { warning } = progress;
    const atMs = this.#now();
    const warns = warning !== undefined && !this.#toldWarnings.has(warning.code);
    const isTold = warns || atMs - this.#lastToldMs >= shortestIntervalMs;
    if (!isTold) return false;
    this.#lastToldMs = atMs;
    if (warning) this.#toldWarnings.add(warning.code);
    return true;
  }
}
