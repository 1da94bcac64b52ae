import { setTimeout as delay } from 'node:timers/promises';
import { NatsEngine } from '../nats/client/nats-engine';
import { type HubStatus, hubBackends, hubLoad, hubName } from '../nats/hub-status';
import type { QueueStatus } from '../nats/queue-status';
import { alignedTable } from './command/aligned-table';
import type { Command } from './command/command';
import { natsOptions, natsOptionTable, natsUsage } from './command/nats-options';

const everyMs = 2_000;

/** `smolvlm hubs`: who works on the shared queue, and what waits in it. */
export const command: Command = {
  summary: 'List the hubs that share a queue, and what waits in it',
  usage: [
    `hubs --nats nats://HOST:4222 [--watch] ${natsUsage}`,
    'With --watch, the tables are printed again every two seconds; with --json, one document a line.',
  ].join('\n'),
  options: { ...natsOptionTable, watch: { type: 'boolean' } },
  async run(values, _positionals, io) {
    const engine = new NatsEngine(natsOptions(values));
    try {
      do {
        const [hubs, queue] = await Promise.all([engine.hubs(io.signal), engine.queue()]);
        const clear = values.watch === true && process.stdout.isTTY ? '\x1b[2J\x1b[H' : '';
        io.result({ hubs, queue }, `${clear}${hubTable(hubs)}\n\n${queueTable(queue)}`);
        if (values.watch === true) await delay(everyMs, undefined, { signal: io.signal }).catch(() => {});
      } while (values.watch === true && !io.signal.aborted);
      return 0;
    } catch (error) {
      if (io.signal.aborted) return 0;
      throw error;
    } finally {
      await engine.close();
    }
  },
};

function hubTable(hubs: readonly HubStatus[]): string {
  if (hubs.length === 0) return 'no hub answers';
  const head = [
    'hub',
    'backend',
    'load',
    'in progress',
    'a minute',
    'answered',
    'redelivered',
    'returned',
    'takes',
  ];
  const rows = hubs.map((hub) => {
    const { takes, working, lastMinute, answered, redelivered, returned } = hub;
    const load = hubLoad(hub);
    return [
      hubName(hub),
      hubBackends(hub).join(', ') || 'no model loaded',
      load === undefined ? '-' : `${Math.round(load * 100)} %`,
      ...[working, lastMinute, answered, redelivered, returned].map(String),
      takes.join(', '),
    ];
  });
  return alignedTable(head, rows);
}

function queueTable({ cameras, working, redelivered, oldestMs }: QueueStatus): string {
  const entries = Object.entries(cameras);
  if (entries.length === 0) return 'the queue is empty';
  const oldest = oldestMs === undefined ? '' : `, the oldest ${(oldestMs / 1000).toFixed(1)} s ago`;
  const rows = entries.map(([camera, count]) => [camera || '(no camera)', String(count)]);
  return `${alignedTable(['camera', 'frames'], rows)}\nin progress: ${working}, redelivered: ${redelivered}${oldest}`;
}
