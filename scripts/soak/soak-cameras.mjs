// npm run test:soak-cameras: an hour of eight cameras of mixed kinds, one fault a minute: cut, freeze, restart, wrong
// password, change of size. Prints its measurements as JSON; ends with 1 and says what is wrong when a camera does not
// deliver within 20 s of its return, a status is wrong at any moment, or a process, descriptor or file is left.
// --seconds N shortens it. Needs ffmpeg and gst-rtsp-server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setUp } from '../setup.mjs';
import { httpCamera, rtspCamera } from './faulty-cameras.mjs';

const returnMs = 20_000;
const faultMs = 15_000;
/** Between two looks at every status. */
const sampleMs = 250;
/** How late an event may be on a busy machine. */
const marginMs = 4_000;
const faults = ['cut', 'freeze', 'restart', 'password', 'size'];

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3600' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 30)) throw new Error(`--seconds: expected 30 or more, received ${values.seconds}`);
setUp();
const require = createRequire(import.meta.url);
const { openFrameSource } = require('../../dist/src/frame/open-frame-source.js');
const { FrameStatus, longestSilenceMs } = require('../../dist/src/node-red/frame/frame-status.js');
const sharp = require('sharp');

// Whatever is written to the temporary folder, by ffmpeg too, is found here.
const temporary = mkdtempSync(join(tmpdir(), 'soak-cameras-'));
process.env.TMPDIR = temporary;
// libuv keeps /dev/null open from the first process on.
await once(spawn('true'), 'exit');
const descriptorsBefore = descriptors();

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
let samples = 0;
const sampling = setInterval(() => watched.forEach(judgeStatus), sampleMs);
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
  clearInterval(sampling);
  for (const { source, status } of watched) {
    source.close();
    status.close();
  }
  for (const camera of cameras) await camera.stop();
}
await delay(1000);
const processes = childProcesses().length;
if (processes > 0) wrong.push(`${processes} child processes are left`);
const open = without(descriptors(), descriptorsBefore);
if (open.length > 0) wrong.push(`${open.length} descriptors are left: ${open.join(', ')}`);
const files = readdirSync(temporary);
if (files.length > 0) wrong.push(`${files.length} files are left: ${files.join(', ')}`);
rmSync(temporary, { recursive: true });
const slowest = Math.max(0, ...measured.map(({ returnedMs }) => returnedMs));
process.stdout.write(
  `${JSON.stringify({ seconds, faults: measured.length, slowest_return_ms: slowest, returns: byFault(), status_samples: samples, frames: watched.map(({ frames }) => frames), wrong })}\n`,
);
for (const each of wrong) process.stderr.write(`soak-cameras: ${each}\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function watch(camera) {
  const one = { camera, frames: 0, lastAt: Date.now(), width: 0, shown: undefined, wasWrong: false };
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
    onFrame: ({ bytes }) => {
      one.frames += 1;
      one.lastAt = Date.now();
      one.status.arrived();
      one.status.verdict({ frame: {} });
      if (one.shown.fill !== 'green') wrong.push(`${camera.name}: ${one.shown.text} with a picture`);
      void sharp(bytes)
        .metadata()
        .then(({ width }) => {
          one.width = width;
        });
    },
    onConnected: () => one.status.connected(),
    onTrouble: (error) => one.status.trouble(error.code),
  });
  return one;
}

/** Green says that pictures come: it must end when an interval and a timeout passed without one. Said once a fault. */
function judgeStatus(one) {
  samples += 1;
  const { settings, name } = one.camera;
  const silentMs = Date.now() - one.lastAt;
  const isWrong =
    one.shown.fill === 'green' && silentMs > settings.intervalMs + settings.timeoutMs + marginMs;
  if (isWrong && !one.wasWrong)
    wrong.push(`${name}, ${one.fault}: green without a picture for ${silentMs} ms`);
  one.wasWrong = isWrong;
}

/** One fault, and how long after it the camera delivers again. */
async function injected(one, fault) {
  const { camera } = one;
  const name = `${camera.name}, ${fault}`;
  one.fault = fault;
  const stopsPictures = await camera.inject(fault);
  await delay(faultMs);
  if (stopsPictures) {
    if (one.shown.fill !== 'red') wrong.push(`${name}: ${one.shown.fill} ${faultMs} ms after the fault`);
    if ((one.shown.text === 'image-login') !== (fault === 'password'))
      wrong.push(`${name}: the status says ${one.shown.text}`);
  } else if (one.width !== camera.widths.changed) {
    wrong.push(`${name}: still ${one.width} pixels wide after ${faultMs} ms`);
  }
  const restoredAt = Date.now();
  await camera.restore(fault);
  const before = one.frames;
  const isBack = () => one.frames > before && one.width === camera.widths.usual;
  try {
    await until(
      isBack,
      returnMs,
      `${name}: no picture of the usual width within ${returnMs} ms of its return`,
    );
    measured.push({ fault, returnedMs: Date.now() - restoredAt });
  } catch (error) {
    wrong.push(`${error.message} (${one.shown.text}, ${one.width} pixels wide)`);
  }
}

/** The slowest return after each kind of fault. */
function byFault() {
  const slowestOf = (fault) =>
    Math.max(0, ...measured.filter((each) => each.fault === fault).map(({ returnedMs }) => returnedMs));
  return Object.fromEntries(faults.map((fault) => [fault, slowestOf(fault)]));
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

/** What this process has open: sockets and pipes by their kind, files by their path. */
function descriptors() {
  return readdirSync('/proc/self/fd').flatMap((number) => {
    try {
      return [readlinkSync(`/proc/self/fd/${number}`).replace(/:\[\d+\]$/, '')];
    } catch {
      // The one that reads the folder.
      return [];
    }
  });
}

function without(list, others) {
  const left = [...others];
  return list.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
