// npm run test:soak: an hour of four cameras at a frame a second through a real Node-RED and an engine that cannot
// keep up. Prints its measurements as JSON; ends with 1 and says what is wrong when the queue grew beyond its bound,
// a frame is not accounted for, or a process did not stay at its size. --seconds N shortens it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root, setUp } from '../setup.mjs';
import { runCameras } from './cameras.mjs';
import { growth, judge } from './judge.mjs';

const cameras = ['driveway', 'porch', 'garden', 'street'];

/** Waiting frames a camera, as the flow's engine says. */
const capacity = 1;

/** In a short run heaps have not found their size yet: it can show a runaway process only. */
const growthBytes = (seconds) => (seconds >= 1800 ? 16e6 : 128e6);

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3600' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 10)) throw new Error(`--seconds: expected 10 or more, received ${values.seconds}`);
setUp();
const { startBroker } = await import('../demo/broker.mjs');
const { freePort, startNodeRed } = await import('../demo/node-red.mjs');
const { EngineClient } = createRequire(import.meta.url)('../../dist/src/client/engine-client.js');

const folder = mkdtempSync(join(tmpdir(), 'smolvlm-soak-'));
const closing = [() => rmSync(folder, { recursive: true, force: true })];
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort());
try {
  const run = await soak();
  const faults = judge(run, { capacity, growthBytes: growthBytes(seconds) });
  process.stdout.write(`${JSON.stringify({ seconds, ...report(run), faults })}\n`);
  for (const fault of faults) process.stderr.write(`soak: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
} finally {
  for (const close of closing.reverse()) await close();
}

async function soak() {
  const engine = await startEngine();
  const client = new EngineClient({ kind: 'remote', url: new URL(engine.url) });
  closing.push(() => client.close());
  const broker = await startBroker(0);
  closing.push(() => broker.close());
  const received = countAnswers(broker);
  const subscribed = broker.subscribed('cameras/+/frame');
  const nodeRed = await startNodeRed({
    root,
    folder,
    port: await freePort(0),
    flows: flowsFor(engine.url),
    broker: broker.port,
    environment: {},
    log: (text) => process.stderr.write(text),
  });
  closing.push(() => nodeRed.stop());
  await Promise.race([
    subscribed,
    nodeRed.exited.then(([code]) => Promise.reject(new Error(`Node-RED ended with ${code}`))),
  ]);
  const samples = [];
  const sample = async () => {
    const { cameras: counts, memory } = await client.status();
    const rss = { engine: memory.rssBytes, 'Node-RED': residentBytes(nodeRed.pid) };
    samples.push({ cameras: counts, rss });
    return counts;
  };
  const timer = setTimeout(() => ending.abort(), seconds * 1000);
  closing.push(() => clearTimeout(timer));
  const stop = ending.signal;
  const sending = runCameras(broker, cameras, join(root, 'models', 'demo-frames'), stop);
  const every = Math.max(250, (seconds * 1000) / 1000);
  while (!stop.aborted) {
    await sample();
    await delay(every, undefined, { signal: stop }).catch(() => {});
  }
  const sent = await sending;
  const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const answered = () =>
    Object.values(received).reduce(
      (sum, { caption, dropped, error }) => sum + caption + total(dropped) + error,
      0,
    );
  for (let waited = 0; waited < 120_000 && answered() < total(sent); waited += 100) await delay(100);
  return { sent, received, samples, last: await sample() };
}

/** The example's flow without its timeline, with an engine elsewhere. @returns path */
function flowsFor(url) {
  const flows = JSON.parse(readFileSync(join(root, 'examples', 'flows.json'), 'utf8'));
  const changed = flows
    .filter(({ type }) => type !== 'smolvlm-timeline')
    .map((node) =>
      node.type === 'smolvlm-engine'
        ? { ...node, location: 'remote', url, queueCapacity: `${capacity}` }
        : node,
    );
  const path = join(folder, 'soak-flows.json');
  writeFileSync(path, JSON.stringify(changed, undefined, 2));
  return path;
}

async function startEngine() {
  const child = fork(join(root, 'scripts', 'soak', 'engine.mjs'), { stdio: ['ignore', 2, 2, 'ipc'] });
  const exited = once(child, 'exit');
  closing.push(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const [{ url }] = await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`the engine ended with ${code}`))),
  ]);
  return { url };
}

/** Counts what comes out of Node-RED, by camera. */
function countAnswers(broker) {
  const received = Object.fromEntries(cameras.map((name) => [name, { caption: 0, dropped: {}, error: 0 }]));
  broker.onMessage((topic, payload) => {
    const [, camera, kind] = topic.split('/');
    const counts = received[camera];
    if (kind === 'caption') counts.caption += 1;
    if (kind === 'error') counts.error += 1;
    if (kind !== 'dropped') return;
    const { dropped } = JSON.parse(String(payload));
    counts.dropped[dropped] = (counts.dropped[dropped] ?? 0) + 1;
  });
  return received;
}

/** @returns resident memory of a process; Linux tells it in /proc */
function residentBytes(pid) {
  const [, kilobytes] = /VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

function report({ sent, received, samples }) {
  const waiting = samples.flatMap(({ cameras: counts }) => Object.values(counts).map((each) => each.waiting));
  const size = (name) => samples.map(({ rss }) => Math.round(rss[name] / 1e6));
  const grown = growth(samples);
  return {
    sent,
    received,
    most_waiting: Math.max(...waiting),
    rss_mb: Object.fromEntries(
      Object.keys(grown).map((name) => [
        name,
        {
          first: size(name)[0],
          last: size(name).at(-1),
          most: Math.max(...size(name)),
          grown: Math.round(grown[name] / 1e6),
        },
      ]),
    ),
  };
}
