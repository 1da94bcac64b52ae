/** A source of time; tests pass their own. */
export interface Clock {
  /** Milliseconds, never running backwards. */
  now(): number;
  /** @param options.keepsProcess false: the process may end before @returns a function that cancels it */
  after(ms: number, callback: () => void, options?: { readonly keepsProcess: boolean }): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback, { keepsProcess } = { keepsProcess: true }) => {
    const timer = setTimeout(callback, ms);
    if (!keepsProcess) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A limit is kept in steps of this length; a step that ends later than this counts as one in which the process was stopped. */
const stepMs = 1_000;

/**
 * Like `clock.after`, but counts only the time in which this process runs: a suspended machine, a paused container or
 * SIGSTOP stops what it waits for as well. For limits on another process or on a native call, not for deadlines of pictures.
 * @returns a function that cancels it
 */
export function afterRunning(clock: Clock, ms: number, callback: () => void): () => void {
  let leftMs = ms;
  let cancel = (): void => {};
  const step = (): void => {
    const nextMs = Math.min(leftMs, stepMs);
    const dueMs = clock.now() + nextMs;
    cancel = clock.after(nextMs, () => {
      if (clock.now() - dueMs <= stepMs) leftMs -= nextMs;
      if (leftMs <= 0) callback();
      else step();
    });
  };
  step();
  return () => cancel();
}

/** Time in which this process ran, for a loop that asks often: more than a second between two questions counts as one. */
export class RunningTime {
  readonly #clock: Clock;
  #askedAtMs: number;
  #ranMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#askedAtMs = clock.now();
  }

  /** Milliseconds since it was made. */
  ms(): number {
    const nowMs = this.#clock.now();
    this.#ranMs += Math.min(nowMs - this.#askedAtMs, stepMs);
    this.#askedAtMs = nowMs;
    return this.#ranMs;
  }
}
