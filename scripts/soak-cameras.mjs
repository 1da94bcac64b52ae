// npm run test:soak-cameras: an hour of eight cameras of mixed kinds, one fault a minute: cut, freeze, restart, wrong
// password, change of size. Prints its measurements as JSON; ends with 1 and says what is wrong when a camera does not
// deliver within 20 s of its return, a status is wrong, or a process or connection is left. --seconds N shortens it.
// Needs ffmpeg and gst-rtsp-server.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setUp } from './setup.mjs';
import { httpCamera, rtspCamera } from './soak/faulty-cameras.mjs';

const returnMs = 20_000;
const faultMs = 15_000;
const faults = ['cut', 'freeze', 'restart', 'password', 'size'];

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3600' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 30)) throw new Error(`--seconds: expected 30 or more, received ${values.seconds}`);
setUp();
const require = createRequire(import.meta.url);
const { openFrameSource } = require('../dist/src/node-red/frame/open-frame-source.js');
const { FrameStatus, longestSilenceMs } = require('../dist/src/node-red/frame/frame-status.js');

const cameras = [
  await httpCamera('snapshot', 'digest'),
  await httpCamera('snapshot', 'basic'),
  await httpCamera('snapshot', 'none'),
  await httpCamera('mjpeg', 'digest'),
  await httpCamera('mjpeg', 'basic'),
  await httpCamera('mjpeg', 'none'),
  await rtspCamera('live', 2000),
  await rtspCamera('live', 6000),
];
const watched = cameras.map(watch);
const wrong = [];
const measured = [];
try {
  await until(
    () => watched.every(({ frames }) => frames > 0),
    60_000,
    'not every camera delivered a first picture',
  );
  const end = Date.now() + seconds * 1000;
  // In the hour one camera at a time, each minute another; in a short run all at once.
  for (let round = 0; Date.now() < end; round++) {
    const startedAt = Date.now();
    const chosen = seconds >= 1800 ? [watched[round % watched.length]] : watched;
    await Promise.all(chosen.map((one, index) => injected(one, faults[(round + index) % faults.length])));
    if (seconds >= 1800) await delay(Math.max(0, 60_000 - (Date.now() - startedAt)));
  }
} finally {
  for (const { source, status } of watched) {
    source.close();
    status.close();
  }
  for (const camera of cameras) await camera.stop();
}
await delay(1000);
const left = childProcesses().length;
if (left > 0) wrong.push(`${left} child processes are left`);
const open = process.getActiveResourcesInfo().filter((kind) => /TCP|Socket|Process/.test(kind));
const sockets = open.filter((kind) => kind.startsWith('TCP')).length;
if (sockets > 0) wrong.push(`${sockets} connections are left`);
const slowest = Math.max(0, ...measured.map(({ returnedMs }) => returnedMs));
process.stdout.write(
  `${JSON.stringify({ seconds, faults: measured.length, slowest_return_ms: slowest, frames: watched.map(({ frames }) => frames), wrong })}\n`,
);
for (const each of wrong) process.stderr.write(`soak-cameras: ${each}\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function watch(camera) {
  const one = { camera, frames: 0, lastAt: 0, shown: undefined };
  const { settings } = camera;
  one.status = new FrameStatus({
    show: (status) => {
      one.shown = status;
    },
    translate: (key) => key,
    longestSilenceMs: longestSilenceMs(settings),
  });
  one.status.connecting();
  one.source = openFrameSource(settings, {
    onFrame: () => {
      one.frames += 1;
      one.lastAt = Date.now();
      one.status.arrived();
      one.status.verdict({ frame: {} });
    },
    onConnected: () => one.status.connected(),
    onTrouble: (error) => one.status.trouble(error.code),
  });
  return one;
}

/** One fault, and how long after it the camera delivers again. */
async function injected(one, fault) {
  const { camera } = one;
  const name = `${camera.name}, ${fault}`;
  const stopsPictures = await camera.inject(fault);
  await delay(faultMs);
  const isGreen = one.shown?.fill === 'green';
  if (stopsPictures && isGreen && Date.now() - one.lastAt > 12_000)
    wrong.push(`${name}: green without pictures`);
  const restoredAt = Date.now();
  await camera.restore(fault);
  const before = one.frames;
  try {
    await until(
      () => one.frames > before,
      returnMs,
      `${name}: no picture within ${returnMs} ms of its return`,
    );
    measured.push({ name, returnedMs: Date.now() - restoredAt });
    if (one.shown?.fill !== 'green') wrong.push(`${name}: ${one.shown?.text} with pictures`);
  } catch (error) {
    wrong.push(`${error.message} (${one.shown?.text})`);
  }
}

async function until(condition, ms, what) {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(what);
    await delay(50);
  }
}

/** Processes below this one. */
function childProcesses() {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return Number(parent) === process.pid && state !== 'Z';
    } catch {
      return false;
    }
  });
}
