/**
 * What a promise settles with, unless the signal aborts first; the work behind the promise goes on.
 * @throws the signal's reason when it aborts first, or has aborted already
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    void promise.finally(() => signal.removeEventListener('abort', giveUp)).then(resolve, reject);
  });
}
