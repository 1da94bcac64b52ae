// npm run demo: a real Node-RED with examples/flows.json, an MQTT broker and simulated cameras.
// npm run demo -- --once: every shipped frame once, one JSON line each on stdout, then exit.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root, setUp } from './setup.mjs';

/** The first caption waits for Node-RED, the engine and the preparation of the model. */
const firstCaptionMs = 180_000;
const captionMs = 60_000;

/** Between two frames of a camera. */
const framePauseMs = 5_000;

const say = (line) => process.stderr.write(`${line}\n`);
const frames = join(root, 'models', 'demo-frames');

try {
  const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
  setUp();
  await demo(values.once);
} catch (error) {
  say(`demo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function demo(once) {
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-demo-'));
  const closing = [() => rmSync(folder, { recursive: true, force: true })];
  const interrupted = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve(signal));
  });
  try {
    // Packages are there only after the set-up.
    const { startBroker } = await import('./demo/broker.mjs');
    const { stopEngine } = await import('./demo/engine.mjs');
    const { freePort, startNodeRed } = await import('./demo/node-red.mjs');
    const broker = await startBroker(once ? 0 : await freePort(1883));
    closing.push(() => broker.close());
    const subscribed = broker.subscribed('cameras/+/frame');
    const runtime = join(folder, 'run');
    closing.push(() => stopEngine(runtime));
    const nodeRed = await startNodeRed({
      root,
      folder,
      port: await freePort(once ? 0 : 1880),
      flows: join(root, 'examples', 'flows.json'),
      broker: broker.port,
      environment: { SMOLVLM_RUNTIME_DIR: runtime },
      log: (text) => process.stderr.write(text),
    });
    closing.push(() => nodeRed.stop());
    say('Starting Node-RED …');
    const crashed = nodeRed.exited.then(([code]) => {
      throw new Error(`Node-RED ended with ${code}`);
    });
    crashed.catch(() => {});
    const bounded = (promise, ms, what) =>
      Promise.race([
        promise,
        crashed,
        interrupted.then((signal) => Promise.reject(new Error(`stopped by ${signal}`))),
        delay(ms, undefined, { ref: false }).then(() =>
          Promise.reject(new Error(`${what} took longer than ${ms / 1000} s`)),
        ),
      ]);
    await bounded(subscribed, 60_000, 'starting Node-RED');
    if (once) await describeOnce(broker, bounded);
    else await simulate(broker, nodeRed.url, interrupted, crashed);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** @returns undefined for anything but a JSON object */
function parsed(payload) {
  try {
    const value = JSON.parse(String(payload));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

async function describeOnce(broker, bounded) {
  const waiting = new Map();
  broker.onMessage((topic, payload) => {
    const [, camera, kind] = topic.split('/');
    const answer = waiting.get(camera);
    if (!answer || !['caption', 'held', 'dropped', 'error'].includes(kind)) return;
    waiting.delete(camera);
    answer({ kind, body: JSON.parse(String(payload)) });
  });
  let limitMs = firstCaptionMs;
  for (const { file, camera } of frameFiles()) {
    const answered = new Promise((resolve) => waiting.set(camera, resolve));
    await broker.publish(`cameras/${camera}/frame`, readFileSync(join(frames, file)));
    const { kind, body } = await bounded(answered, limitMs, `the caption of ${file}`);
    if (kind !== 'caption')
      throw new Error(`${file}: ${body.message ?? body.reason} [${body.code ?? body.dropped ?? body.held}]`);
    const { prompt, text, timingsMs } = body;
    process.stdout.write(`${JSON.stringify({ frame: file, camera, prompt, text, timings_ms: timingsMs })}\n`);
    limitMs = captionMs;
  }
}

async function simulate(broker, url, interrupted, crashed) {
  say(
    `\nNode-RED's editor: ${url}\nMQTT broker: mqtt://127.0.0.1:${broker.port} (cameras/NAME/frame, cameras/NAME/caption)`,
  );
  say('The demo model describes only drawn camera scenes. Ctrl-C ends everything.\n');
  broker.onMessage((topic, payload) => {
    const [base, camera, kind] = topic.split('/');
    // Users who try the demo add their own flows, which may publish anything.
    const answer = base === 'cameras' && kind !== 'frame' ? parsed(payload) : undefined;
    if (!answer) return;
    const { text, timingsMs, reason, message } = answer;
    const time = timingsMs ? `  (${Math.round(timingsMs.total)} ms)` : '';
    say(`${camera.padEnd(12)} ${text ?? message ?? `${kind}: ${reason}`}${time}`);
  });
  const stop = new AbortController();
  const cameras = grouped(frameFiles());
  const running = [...cameras].map(([camera, files], index) =>
    watch(broker, camera, files, index, stop.signal),
  );
  await Promise.race([interrupted, crashed]);
  stop.abort();
  await Promise.allSettled(running);
  say('\nStopping …');
}

async function watch(broker, camera, files, index, signal) {
  await delay(index * 1000, undefined, { signal });
  for (let turn = 0; ; turn++) {
    await broker.publish(
      `cameras/${camera}/frame`,
      readFileSync(join(frames, files[turn % files.length].file)),
    );
    await delay(framePauseMs, undefined, { signal });
  }
}

/** The shipped frames and the camera each comes from: `frame_05_porch_day.jpg` is the porch's. */
function frameFiles() {
  const names = readdirSync(frames).filter((name) => name.endsWith('.jpg'));
  return names.sort().map((file) => ({ file, camera: file.split('_')[2] }));
}

function grouped(files) {
  const cameras = new Map();
  for (const each of files) cameras.set(each.camera, [...(cameras.get(each.camera) ?? []), each]);
  return cameras;
}
