/** Time as the engine sees it; tests hand in their own. */
export interface Clock {
  /** Milliseconds, never running backwards. */
  now(): number;
  /** @returns how to call it off */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
