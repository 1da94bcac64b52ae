// npm run test:reliability: faults injected into a real Node-RED flow, one campaign after the other. Prints a JSON line
// each; ends with 1 when a message was lost, answered twice or left without an end, or nothing was captioned afterwards.
//   --only kill,stop,broker,disk,clock,timeline   --kills 200   --stop-seconds 40   --restarts 20   --jumps 20
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root, setUp } from '../setup.mjs';
import { cameras, signal, World } from './world.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'kill,stop,broker,disk,clock,timeline' },
    kills: { type: 'string', default: '200' },
    'stop-seconds': { type: 'string', default: '40' },
    restarts: { type: 'string', default: '20' },
    jumps: { type: 'string', default: '20' },
    verbose: { type: 'boolean', default: false },
  },
});
const number = (name) => {
  const value = Number(values[name]);
  if (!(value >= 1)) throw new Error(`--${name}: expected a number of at least 1, received ${values[name]}`);
  return value;
};

const faketime = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const campaigns = { kill, stop, broker, disk, clock, timeline };
const chosen = values.only.split(',');
for (const name of chosen) {
  if (!campaigns[name])
    throw new Error(`--only: expected ${Object.keys(campaigns).join(', ')}, received ${name}`);
}
setUp();
for (const name of chosen) {
  const started = Date.now();
  const { counts, faults, ...facts } = await campaigns[name]();
  const seconds = Math.round((Date.now() - started) / 1000);
  process.stdout.write(`${JSON.stringify({ campaign: name, seconds, ...facts, ...counts, faults })}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

/** SIGKILL to the engine at a random moment of a caption, again and again. */
async function kill() {
  const kills = number('kills');
  return await inWorld({}, async (world) => {
    await firstCaption(world);
    const sending = sendAlways(world, 8);
    let done = 0;
    while (done < kills) {
      // Once it answers again: then frames of four cameras are under way in it.
      const answered = world.counts.caption;
      while (world.counts.caption === answered) await delay(20);
      await delay(Math.random() * 300);
      for (const pid of world.enginePids()) if (signal(pid, 'SIGKILL')) done += 1;
    }
    await sending.stop();
    return { kills: done };
  });
}

/** SIGSTOP for a time: the queue's policy holds in the client, so frames leave as superseded, not in a heap. */
async function stop() {
  const stopMs = number('stop-seconds') * 1000;
  return await inWorld({}, async (world) => {
    await firstCaption(world);
    const sending = sendAlways(world, 4);
    await delay(2000);
    const pids = world.enginePids();
    for (const pid of pids) signal(pid, 'SIGSTOP');
    let mostWaiting = 0;
    for (let waited = 0; waited < stopMs; waited += 250) {
      await delay(250);
      // The first second is the engine's to answer in.
      if (waited > 3000) mostWaiting = Math.max(mostWaiting, world.counts.in - world.out);
    }
    for (const pid of pids) signal(pid, 'SIGCONT');
    await delay(2000);
    await sending.stop();
    // Of each camera: one running and one waiting in the engine, one waiting in the client, one on its way.
    const most = cameras.length * 4;
    const extra =
      mostWaiting > most
        ? [`${mostWaiting} messages were waiting while stopped, expected at most ${most}`]
        : [];
    return { stopped_s: stopMs / 1000, most_waiting: mostWaiting, faults: extra };
  });
}

/** The broker goes away and comes back: what is in the flow still ends, and captions go on. */
async function broker() {
  const restarts = number('restarts');
  return await inWorld({}, async (world) => {
    await firstCaption(world);
    for (let done = 0; done < restarts; done++) {
      const sending = sendAlways(world, 8);
      await delay(500 + Math.random() * 1000);
      await sending.stop();
      await world.stopBroker();
      await delay(200 + Math.random() * 500);
      await world.restartBroker();
    }
    return { restarts };
  });
}

/** A cache without room: every frame fails with a clear error, no partial bundle stays, and room lets captions go on. */
async function disk() {
  if (process.getuid() !== 0) return { counts: {}, faults: [], skipped: 'mounting a small disk needs root' };
  const small = mkdtempSync(join(tmpdir(), 'smolvlm-small-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  const cache = join(small, 'cache');
  mkdirSync(cache);
  try {
    return await inWorld({ environment: { SMOLVLM_CACHE: cache } }, async (world) => {
      for (let sent = 0; sent < 20; sent++) {
        await world.send(cameras[sent % cameras.length]);
        await delay(100);
      }
      await world.settled();
      const failed = { ...world.counts.error };
      const left = existsSync(cache) ? readdirSync(cache, { recursive: true }) : [];
      const partial = left.filter((name) => /\.(onnx|data|safetensors)$/.test(name));
      execFileSync('mount', ['-o', 'remount,size=256m', small]);
      await firstCaption(world);
      const captioned = world.counts.caption;
      fill(join(small, 'filler'));
      for (let sent = 0; sent < 8; sent++) {
        await world.send('garden');
        await delay(500);
      }
      await world.settled();
      const whileFull = world.counts.caption - captioned;
      rmSync(join(small, 'filler'));
      const faults = [
        ...(whileFull > 0 ? [] : ['no caption came while the disk was full under a loaded model']),
        ...(Object.keys(failed).length > 0 ? [] : ['no frame failed although the disk was full']),
        ...(partial.length === 0 ? [] : [`left on the full disk: ${partial.join(', ')}`]),
      ];
      return { failed_while_full: failed, captions_while_full: whileFull, faults };
    });
  } finally {
    execFileSync('umount', ['-l', small]);
    rmSync(small, { recursive: true, force: true });
  }
}

/** Writes to a file until its disk is full. */
function fill(path) {
  const block = Buffer.alloc(2 ** 20);
  try {
    for (;;) writeFileSync(path, block, { flag: 'a' });
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  }
}

/** The wall clock jumps by an hour, forwards and back, under Node-RED and the engine. */
async function clock() {
  if (!existsSync(faketime))
    return { counts: {}, faults: [], skipped: 'needs the Debian package libfaketime' };
  const jumps = number('jumps');
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-clock-'));
  const file = join(folder, 'time');
  writeFileSync(file, '+0');
  const environment = {
    LD_PRELOAD: faketime,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  try {
    return await inWorld({ environment }, async (world) => {
      await firstCaption(world);
      const sending = sendAlways(world, 4);
      for (let done = 0; done < jumps; done++) {
        await delay(1000);
        writeFileSync(file, ['+3600', '-3600', '+0'][done % 3]);
      }
      writeFileSync(file, '+0');
      await sending.stop();
      return { jumps };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** SIGKILL to a process that writes to a timeline and deletes from it: what was acknowledged is there afterwards. */
async function timeline() {
  const script = join(root, 'scripts', 'timeline', 'kills.mjs');
  const child = spawn(process.execPath, [script, '--kills', String(number('kills'))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  await once(child, 'close');
  const { kills, checked, expired, faults } = JSON.parse(output);
  return { counts: { kills, checked, expired }, faults };
}

/** Runs a campaign and judges it: everything in came out once, and captions still come. */
async function inWorld(options, campaign) {
  const log = values.verbose ? (text) => process.stderr.write(text) : () => {};
  const world = await World.open({ root, log, ...options });
  try {
    const { faults = [], ...facts } = await campaign(world);
    const settled = await world.settled();
    const before = world.counts.caption;
    await firstCaption(world).catch(() => {});
    await delay(500);
    const { counts } = world;
    return {
      ...facts,
      counts,
      faults: [
        ...faults,
        ...(settled ? [] : [`${counts.in - world.out} messages have not ended`]),
        ...(world.out > counts.in ? [`${world.out - counts.in} messages ended twice`] : []),
        ...(counts.caption > before ? [] : ['no caption came after the campaign']),
      ],
    };
  } finally {
    await world.close();
  }
}

async function firstCaption(world) {
  const before = world.counts.caption;
  for (let tries = 0; tries < 60 && world.counts.caption === before; tries++) {
    await world.send('porch');
    for (let waited = 0; waited < 2000 && world.counts.caption === before; waited += 50) await delay(50);
  }
  if (world.counts.caption === before) throw new Error(`no caption: ${JSON.stringify(world.counts)}`);
}

/** Sends frames of all cameras at a rate until it is stopped. */
function sendAlways(world, perSecond) {
  const ending = new AbortController();
  const sending = (async () => {
    for (let sent = 0; !ending.signal.aborted; sent++) {
      await world.send(cameras[sent % cameras.length]);
      await delay(1000 / perSecond, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();
  return {
    stop: async () => {
      ending.abort();
      await sending;
    },
  };
}
