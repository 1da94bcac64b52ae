import { errorBody } from '../../errors';
import type { NatsEngine } from '../../nats/client/nats-engine';
import { hubBackends, hubLoad, hubName } from '../../nats/hub-status';
import { unlessAborted } from '../../system/async/unless-aborted';
import { defined } from '../../system/defined';
import type { EngineOverview } from './engine-overview';

type Group = Pick<NatsEngine, 'hubs' | 'queue' | 'statusOf'>;

/**
 * Hubs and queue of a group, and the hubs' status as one engine's.
 * @param deadline ends the wait for the queue, which is then left out
 * @throws what `hubs` throws
 */
export async function groupOverview(
  engine: Group,
  deadline: AbortSignal,
): Promise<Pick<EngineOverview, 'group' | 'status' | 'error'>> {
  // A login may be allowed to send frames and not to read the state of the queue.
  const queueInTime = unlessAborted(engine.queue(), deadline).catch(() => undefined);
  const [hubs, queue] = await Promise.all([engine.hubs(), queueInTime]);
  const group = {
    hubs: hubs
      .map((hub) => ({
        name: hubName(hub),
        backends: hubBackends(hub),
        lastMinute: hub.lastMinute,
        ...defined({ load: hubLoad(hub) }),
      }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    ...defined({ queue }),
  };
  try {
    return { group, status: engine.statusOf(hubs) };
  } catch (error) {
    return { group, error: errorBody(error) };
  }
}
