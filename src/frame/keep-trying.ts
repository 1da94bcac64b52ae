import { setTimeout as delay } from 'node:timers/promises';
import { SmolvlmError } from '../errors';

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/**
 * Does something again and again, as a stream that breaks: after a pause that grows while it fails, until the signal is aborted.
 * @param attempt calls `onWorked` as soon as it works
 */
export async function keepTrying(
  attempt: (onWorked: () => void) => Promise<void>,
  onTrouble: (error: SmolvlmError) => void,
  signal: AbortSignal,
  pauseMs = firstPauseMs,
): Promise<void> {
  let pause = pauseMs;
  while (!signal.aborted) {
    try {
      await attempt(() => {
        pause = pauseMs;
      });
    } catch (error) {
      if (signal.aborted) return;
      onTrouble(SmolvlmError.from(error));
    }
    await delay(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(longestPauseMs, pause * 2);
  }
}
