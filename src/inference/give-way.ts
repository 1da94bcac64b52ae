import type { MutexHold } from '../system/async/priority-mutex';
import type { TimedHooks } from './phase-timer';

/**
 * A safe point of a request: waits while requests of higher priority are at work. The wait is not counted as part of the
 * phase in which it happens.
 * @param hold a mutex that the request holds, which others may have while it waits
 */
export async function giveWay(
  { ticket, signal, timer }: Pick<TimedHooks, 'ticket' | 'signal' | 'timer'>,
  hold?: MutexHold,
): Promise<void> {
  if (!ticket) return;
  const startedAt = performance.now();
  const waited = await ticket.pass(signal, hold && ((wait) => hold.aside(wait)));
  if (waited) timer.exclude(startedAt);
}
