// npm run bench:node-red: delay of Node-RED's event loop while a flow captions continuously, as JSON.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, setUp } from './setup.mjs';

const measureMs = 20_000;

setUp();
const { startBroker } = await import('./demo/broker.mjs');
const { freePort, startNodeRed } = await import('./demo/node-red.mjs');
const folder = mkdtempSync(join(tmpdir(), 'smolvlm-loop-'));
// Loaded into the Node-RED process before anything else; it measures while the file `measure` is there.
const probe = join(folder, 'probe.cjs');
const measure = join(folder, 'measure');
const result = join(folder, 'loop.json');
writeFileSync(
  probe,
  `delete process.env.NODE_OPTIONS;
const { existsSync, writeFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const loop = monitorEventLoopDelay({ resolution: 1 });
const ms = (ns) => Math.round(ns / 1e4) / 100;
let on = false;
setInterval(() => {
  if (existsSync(${JSON.stringify(measure)}) === on) return;
  on = !on;
  if (on) return loop.enable();
  loop.disable();
  writeFileSync(${JSON.stringify(result)}, JSON.stringify({
    samples: loop.count, p50_ms: ms(loop.percentile(50)), p99_ms: ms(loop.percentile(99)), max_ms: ms(loop.max) }));
}, 100).unref();
`,
);
const flows = join(folder, 'bench-flows.json');
const demo = JSON.parse(readFileSync(join(root, 'examples', 'flows.json'), 'utf8'));
// The measured road ends with the caption.
writeFileSync(
  flows,
  JSON.stringify(
    demo.filter(({ type }) => type !== 'smolvlm-timeline'),
    undefined,
    2,
  ),
);
const broker = await startBroker(0);
const subscribed = broker.subscribed('cameras/+/frame');
const nodeRed = await startNodeRed({
  root,
  folder,
  port: await freePort(0),
  flows,
  broker: broker.port,
  environment: { SMOLVLM_RUNTIME_DIR: join(folder, 'run'), NODE_OPTIONS: `--require ${probe}` },
  log: () => {},
});
try {
  await subscribed;
  let captions = 0;
  let answered = () => {};
  broker.onMessage((topic) => {
    if (topic.startsWith('cameras/') && !topic.endsWith('/frame')) answered();
  });
  const picture = readFileSync(join(root, 'models', 'demo-frames', 'frame_09_street_day.jpg'));
  const ask = async () => {
    const done = new Promise((resolve) => {
      answered = resolve;
    });
    await broker.publish('cameras/street/frame', picture);
    await done;
    captions += 1;
  };
  await ask();
  await delay(2_000);
  captions = 0;
  writeFileSync(measure, '');
  const until = Date.now() + measureMs;
  while (Date.now() < until) await ask();
  rmSync(measure);
  await delay(1_000);
  const loop = JSON.parse(readFileSync(result, 'utf8'));
  process.stdout.write(
    `${JSON.stringify({ captions, seconds: measureMs / 1000, event_loop_delay: loop })}\n`,
  );
} finally {
  await nodeRed.stop();
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
}
