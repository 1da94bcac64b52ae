import assert from 'node:assert/strict';
import { SmolvlmError } from '../../../src/errors';
import type { HubStatus } from '../../../src/nats/hub-status';
import type { QueueStatus } from '../../../src/nats/queue-status';
import { groupOverview } from '../../../src/node-red/engine/group-overview';
import type { EngineStatus } from '../../../src/protocol/engine-status';

const hub = (name: string, backends: readonly string[], coreLoad: readonly number[]): HubStatus => ({
  hub: name,
  engine: { pid: 7, coreLoad, models: backends.map((backend) => ({ backend })) } as unknown as EngineStatus,
  takes: ['_'],
  working: 1,
  lastMinute: 12,
  answered: 30,
  redelivered: 0,
  returned: 0,
});
const queue: QueueStatus = { cameras: { gate: 2 }, working: 1, redelivered: 1, oldestMs: 1500 };
const sum = {} as EngineStatus;
const group = (hubs: readonly HubStatus[], reported: Promise<QueueStatus>) => ({
  hubs: async () => [...hubs],
  queue: () => reported,
  statusOf: () => {
    if (hubs.length > 0) return sum;
    throw new SmolvlmError('nats-no-hub', 'no hub answers');
  },
});
const { signal } = new AbortController();

describe('what the sidebar shows of a group of hubs', () => {
  it('is a row for each hub in the order of their names, and the queue', async () => {
    const hubs = [hub('cellar', [], []), hub('attic', ['rknn', 'rknn'], [0.5, 0.25, 0])];
    assert.deepEqual(await groupOverview(group(hubs, Promise.resolve(queue)), signal), {
      group: {
        hubs: [
          { name: 'attic:7', backends: ['rknn'], load: 0.25, lastMinute: 12 },
          { name: 'cellar:7', backends: [], lastMinute: 12 },
        ],
        queue,
      },
      status: sum,
    });
  });

  it('is the hubs alone while the login may not read the queue, or the server does not report it', async () => {
    const hubs = [hub('attic', [], [])];
    const refused = Promise.reject<QueueStatus>(new Error('permissions violation'));
    const refusedOverview = await groupOverview(group(hubs, refused), signal);
    const silent = new Promise<QueueStatus>(() => {});
    const silentOverview = await groupOverview(group(hubs, silent), AbortSignal.abort());
    for (const overview of [refusedOverview, silentOverview]) {
      assert.equal(overview.group?.hubs.length, 1);
      assert.equal(overview.group?.queue, undefined);
      assert.equal(overview.status, sum);
    }
  });

  it('is the queue and an error when no hub answers', async () => {
    const overview = await groupOverview(group([], Promise.resolve(queue)), signal);
    assert.deepEqual(overview.group, { hubs: [], queue });
    assert.equal(overview.error?.code, 'nats-no-hub');
  });
});
