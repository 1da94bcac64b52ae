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
