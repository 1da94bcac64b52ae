// npm run test:hubs: faults injected into hubs that share a queue, one campaign after the other. Prints a JSON line each;
// ends with 1 when a frame was lost, described twice or left without an end, when an older frame took a newer one's turn, or
// when the counters of the hubs do not add up.
//   --only kill,leader,cut,disk   --kills 100   --leaders 20   --cut-seconds 30
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CutProxy } from './cut-proxy.mjs';
import { HubWorld } from './hub-world.mjs';
import { until } from './servers.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'kill,leader,cut,disk' },
    kills: { type: 'string', default: '100' },
    leaders: { type: 'string', default: '20' },
    'cut-seconds': { type: 'string', default: '30' },
  },
});
const number = (name) => {
  const value = Number(values[name]);
  if (!(value >= 1)) throw new Error(`--${name}: expected a number of at least 1, received ${values[name]}`);
  return value;
};

const campaigns = { kill, leader, cut, disk };
const chosen = values.only.split(',');
for (const name of chosen) {
  if (!campaigns[name])
    throw new Error(`--only: expected ${Object.keys(campaigns).join(', ')}, received ${name}`);
}
for (const name of chosen) {
  const started = Date.now();
  const { faults, ...facts } = await campaigns[name]();
  const seconds = Math.round((Date.now() - started) / 1000);
  process.stdout.write(`${JSON.stringify({ campaign: name, seconds, ...facts, faults })}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

async function inWorld(options, run) {
  const world = await HubWorld.open(options);
  try {
    const { judged, ...facts } = await run(world);
    const faults = [...world.faults(), ...(await world.counterFaults(judged))];
    return { ...facts, ...world.counts, faults };
  } finally {
    await world.close();
  }
}

/** SIGKILL to a random hub in the middle of a caption, again and again. */
async function kill() {
  const kills = number('kills');
  return await inWorld({}, async (world) => {
    const sending = world.sendAlways();
    for (let done = 0; done < kills; done++) {
      await world.progress();
      await delay(Math.random() * 300);
      const index = Math.floor(Math.random() * world.hubs.length);
      await world.hubs[index].kill();
      await world.startHub(index);
    }
    await sending.stop();
    return { kills, judged: { hubsLive: false } };
  });
}

/** SIGKILL to the server that leads the stream, in a cluster of three. */
async function leader() {
  const leaders = number('leaders');
  return await inWorld({ servers: 3 }, async (world) => {
    const { manager, subjects } = world.link;
    const clusterOf = async () => (await manager.streams.info(subjects.frameStream)).cluster;
    const { num_replicas: replicas } = (await manager.streams.info(subjects.frameStream)).config;
    const sending = world.sendAlways();
    for (let done = 0; done < leaders; done++) {
      await world.progress();
      const { leader: name } = await until(async () => {
        const cluster = await clusterOf();
        return cluster?.leader && cluster.replicas?.every(({ current }) => current) && cluster;
      }, 'leader with two current copies');
      const server = world.servers[Number(name.slice('server-'.length))];
      await server.stop('SIGKILL');
      await world.progress();
      await server.start();
    }
    await sending.stop();
    return { leaders, replicas };
  });
}

/** A hub's network is cut: nothing arrives, and no connection is closed. */
async function cut() {
  const cutMs = number('cut-seconds') * 1000;
  return await inWorld({ hubs: 2 }, async (world) => {
    const proxy = await CutProxy.start(world.servers[0].port);
    world.onClose(() => proxy.close());
    await world.startHub(2, proxy.url);
    const sending = world.sendAlways();
    await delay(3_000);
    proxy.cut();
    await delay(cutMs);
    proxy.mend();
    // The hub works again; its late answers arrive.
    await until(async () => (await world.client.hubs()).length === 3, 'third hub');
    await delay(3_000);
    await sending.stop();
    return { cut_s: cutMs / 1000 };
  });
}

/** The disk of the server is full for a while. */
async function disk() {
  if (process.getuid() !== 0) return { faults: [], skipped: 'mounting a small disk needs root' };
  const small = mkdtempSync(join(tmpdir(), 'smolvlm-small-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', small]);
  try {
    return await inWorld({ folder: small }, async (world) => {
      const sending = world.sendAlways();
      await world.progress();
      const { bavail, bsize } = statfsSync(small);
      const ballast = join(small, 'ballast');
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 100_000)));
      await delay(15_000);
      const whileFull = structuredClone(world.counts);
      rmSync(ballast);
      // A server that met a full disk answers no more until it is started again; 2.9 does not even end by SIGTERM.
      await world.servers[0].stop('SIGKILL');
      await world.servers[0].start();
      await world.progress();
      await delay(5_000);
      await sending.stop();
      return { while_full: whileFull, judged: { answersStored: false } };
    });
  } finally {
    execFileSync('umount', ['-l', small]);
    rmSync(small, { recursive: true, force: true });
  }
}
