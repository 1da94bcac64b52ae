/** A source of time; tests pass their own. */
export interface Clock {
  /** Milliseconds, never running backwards. */
  now(): number;
  /** @returns a function that cancels it */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
