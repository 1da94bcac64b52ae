import { SmolvlmError } from '../errors';
import { type Clock, systemClock } from '../system/clock';
import { LoginPause } from './login-pause';

const firstPauseMs = 1_000;
/** Short enough that a camera that returns is shown soon. */
const longestPauseMs = 10_000;
/** The same trouble is not reported again sooner. */
const reportEveryMs = 60_000;

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** The first pause, doubled with each failure. */
  readonly pauseMs?: number;
  readonly clock?: Clock;
}

/**
 * Repeats an attempt that is meant to last, such as a stream, until the signal is aborted. The pause between attempts
 * grows while they fail; a refused login makes it long.
 * @param attempt calls `onWorked` as soon as it works
 */
export async function keepTrying(
  attempt: (onWorked: () => void) => Promise<void>,
  onTrouble: (error: SmolvlmError, isKnown: boolean) => void,
  { signal, pauseMs = firstPauseMs, clock = systemClock }: RetryOptions,
): Promise<void> {
  const login = new LoginPause();
  let retryPauseMs = pauseMs;
  let reported: { readonly text: string; readonly at: number } | undefined;
  while (!signal.aborted) {
    let waitMs = retryPauseMs;
    try {
      await attempt(() => {
        retryPauseMs = pauseMs;
        reported = undefined;
        login.worked();
      });
    } catch (error) {
      if (signal.aborted) return;
      const trouble = SmolvlmError.from(error);
      const text = `${trouble.code} ${trouble.message}`;
      const isKnown = reported?.text === text && clock.now() - reported.at < reportEveryMs;
      if (!isKnown) reported = { text, at: clock.now() };
      onTrouble(trouble, isKnown);
      waitMs = trouble.code === 'image-login' ? login.refused() : retryPauseMs;
    }
    await pauseFor(waitMs, signal, clock);
    retryPauseMs = Math.min(longestPauseMs, retryPauseMs * 2);
  }
}

/** Waits for this time, or until the signal is aborted. */
export function pauseFor(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
