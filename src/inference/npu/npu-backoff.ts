import { type ErrorBody, errorBody } from '../../errors';

const firstPauseMs = 15_000;
const longestPauseMs = 60 * 60_000;

/** Pause after the n-th failure in a row: 15 s, 1 min, 4 min, 16 min, then an hour. */
export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 4 ** (failures - 1));
}

/** Failures of earlier processes, which crashed while they used the NPU. */
export interface EarlierFailures {
  readonly failures: number;
  readonly lastAgeMs: number;
  readonly reason: ErrorBody;
}

/** Exponential backoff after failures on the NPU: a longer pause after each failure in a row. */
export class NpuBackoff {
  readonly #now: () => number;
  #failures: number;
  #reason: ErrorBody | undefined;
  #until = 0;

  /** @param now milliseconds; default: the process's own clock */
  constructor(earlier?: EarlierFailures, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#failures = earlier?.failures ?? 0;
    this.#reason = earlier?.reason;
    if (earlier) this.#until = now() + pauseMs(earlier.failures) - earlier.lastAgeMs;
  }

  /** Why the NPU is paused; undefined when it may be used. */
  get reason(): ErrorBody | undefined {
    return this.#now() < this.#until ? this.#reason : undefined;
  }

  worked(): void {
    this.#failures = 0;
  }

  /** Starts a pause; failures during a pause count as the same one. @returns the failure's body, for the result */
  failed(error: unknown): ErrorBody {
    const body = errorBody(error);
    this.#reason = body;
    if (this.#now() >= this.#until) {
      this.#failures++;
      this.#until = this.#now() + pauseMs(this.#failures);
    }
    return body;
  }
}
