// npm run demo: a real Node-RED with examples/flows.json, an MQTT broker and simulated cameras.
// npm run demo -- --open: the same, and the editor and the captions page in the browser.
// npm run demo -- --once: every shipped frame once, one JSON line each on stdout, then exit.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root, setUp } from '../setup.mjs';

/** The first caption waits for Node-RED, the engine and the preparation of the model. */
const firstCaptionMs = 180_000;
const captionMs = 60_000;

const say = (line) => process.stderr.write(`${line}\n`);

const flag = { type: 'boolean', default: false };

try {
  const { values } = parseArgs({ options: { once: flag, open: flag } });
  setUp();
  await demo(values);
} catch (error) {
  say(`demo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function demo({ once, open }) {
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-demo-'));
  const closing = [() => rmSync(folder, { recursive: true, force: true })];
  const interrupted = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve(signal));
  });
  try {
    // Packages are there only after the set-up.
    const { startBroker } = await import('./broker.mjs');
    const { stopEngine } = await import('./engine.mjs');
    const { freePort, startNodeRed } = await import('./node-red.mjs');
    const { openInBrowser } = await import('./browser.mjs');
    const { simulateHome } = await import('./home.mjs');
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
    else {
      const page = `${nodeRed.url}smolvlm-timeline/`;
      say(
        [
          `\nNode-RED's editor:  ${nodeRed.url}`,
          `The captions page:  ${page}`,
          `MQTT broker:        mqtt://127.0.0.1:${broker.port} (cameras/NAME/frame, cameras/NAME/caption)`,
          'The demo model describes only drawn camera scenes. Ctrl-C ends everything.\n',
        ].join('\n'),
      );
      if (open) for (const address of [nodeRed.url, page]) openInBrowser(address, say);
      const home = simulateHome({ broker, url: nodeRed.url, bundle: join(folder, 'bundle'), say });
      await Promise.race([interrupted, crashed, home.failed]);
      say('\nStopping …');
      await home.stop();
    }
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function describeOnce(broker, bounded) {
  const { frameFile, frames } = await import('./frames.mjs');
  const waiting = new Map();
  broker.onMessage((topic, payload) => {
    const [, camera, kind] = topic.split('/');
    const answer = waiting.get(camera);
    if (!answer || !['caption', 'held', 'dropped', 'error'].includes(kind)) return;
    waiting.delete(camera);
    answer({ kind, body: JSON.parse(String(payload)) });
  });
  let limitMs = firstCaptionMs;
  for (const { file, camera } of frames) {
    const answered = new Promise((resolve) => waiting.set(camera, resolve));
    await broker.publish(`cameras/${camera}/frame`, readFileSync(frameFile(file)));
    const { kind, body } = await bounded(answered, limitMs, `the caption of ${file}`);
    if (kind !== 'caption')
      throw new Error(`${file}: ${body.message ?? body.reason} [${body.code ?? body.dropped ?? body.held}]`);
    const { prompt, text, timingsMs } = body;
    process.stdout.write(`${JSON.stringify({ frame: file, camera, prompt, text, timings_ms: timingsMs })}\n`);
    limitMs = captionMs;
  }
}
