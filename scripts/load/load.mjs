// npm run test:load: callers with bodies of 57 MB each, all at the same moment, while a camera is captioned without pause by
// an engine with a limit on its memory. Prints a JSON line; ends with 1 when a caller got neither an answer nor a 429, the
// engine ended, or a caption of the camera was not ready in its time.
//   --callers 30   --limit-mb 1536   --rounds 3   --deadline-ms 10000
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { root, setUp } from '../setup.mjs';

const { values } = parseArgs({
  options: {
    callers: { type: 'string', default: '30' },
    'limit-mb': { type: 'string', default: '1536' },
    rounds: { type: 'string', default: '3' },
    'deadline-ms': { type: 'string', default: '10000' },
  },
});
const number = (name) => {
  const value = Number(values[name]);
  if (!(value >= 1)) throw new Error(`--${name}: expected a number of at least 1, received ${values[name]}`);
  return value;
};
const megabyte = 2 ** 20;
const limitMb = number('limit-mb');

setUp();
const { EngineClient } = (await import('../../dist/src/client/engine-client.js')).default;
const group = memoryGroup(limitMb * megabyte);
const args = ['serve', '--model', 'demo', '--port', '0', '--no-token', '--memory-limit-mb', String(limitMb)];
const program = `${group ? `echo $$ > ${group}/cgroup.procs; ` : ''}exec "$0" "$@"`;
const engine = spawn('sh', ['-c', program, process.execPath, join(root, 'dist/cli/main.js'), ...args], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
const log = [];
let url;
for await (const line of createInterface({ input: engine.stderr })) {
  log.push(line);
  url = /http:\/\/\S+/.exec(line)?.[0];
  if (url) break;
}
createInterface({ input: engine.stderr }).on('line', (line) => log.push(line));
const faults = [];
engine.once('exit', (code, signal) => faults.push(`the engine ended with ${signal ?? code}`));

const bodies = [await chatBody(), await describeBody()];
const frame = readFileSync(join(root, 'models/demo-frames/frame_01_driveway_day.jpg'));
const client = new EngineClient({ kind: 'remote', url: new URL(url) });
const caption = async (round) => {
  const started = Date.now();
  const crop = { x: 0, y: 0, width: 1, height: 1 - (round % 400) / 480 };
  const asked = { prompt: 'What is there?', camera: 'door', crop, deadlineMs: number('deadline-ms') };
  const final = await client.describe(asked, [frame]);
  if (final.type !== 'result') faults.push(`a caption: ${JSON.stringify(final)}`);
  return Date.now() - started;
};
const alone = [];
for (let round = 0; round < 10; round++) alone.push(await caption(round));

let streaming = true;
const beside = [];
const camera = (async () => {
  for (let round = 10; streaming; round++) beside.push(await caption(round));
})();
const statuses = {};
const slowest = { answer: 0, refusal: 0 };
for (let round = 0; round < number('rounds'); round++) {
  const calls = Array.from({ length: number('callers') }, async (_, caller) => {
    const started = Date.now();
    const status = await post(bodies[caller % bodies.length]);
    statuses[status] = (statuses[status] ?? 0) + 1;
    const kind = status === 429 ? 'refusal' : 'answer';
    slowest[kind] = Math.max(slowest[kind], Date.now() - started);
    if (status !== 200 && status !== 429) faults.push(`a caller got ${status}`);
  });
  await Promise.all(calls);
  await delay(500);
}
streaming = false;
await camera;
const peak = peakMb();
await client.close();
const ended = [...faults];
engine.kill('SIGTERM');
if (engine.exitCode === null && engine.signalCode === null) await once(engine, 'exit');
if (group) rmdirSync(group);
process.stdout.write(
  `${JSON.stringify({
    callers: number('callers'),
    rounds: number('rounds'),
    body_mb: bodies.map(({ bytes }) => Math.round(bytes.length / 1e5) / 10),
    limit_mb: limitMb,
    limited_by: group ? 'the engine and the kernel' : 'the engine',
    statuses,
    slowest_answer_ms: slowest.answer,
    slowest_refusal_ms: slowest.refusal,
    peak_rss_mb: peak,
    captions: beside.length,
    caption_ms: { alone_median: median(alone), median: median(beside), slowest: Math.max(...beside) },
    load: loadavg().map((value) => Math.round(value * 10) / 10),
    faults: ended,
    log: log.slice(-5),
  })}\n`,
);
process.exitCode = ended.length > 0 ? 1 : 0;

/** A control group whose processes the kernel ends beyond the limit. @returns its folder; undefined without root */
function memoryGroup(bytes) {
  const folder = `/sys/fs/cgroup/memory/smolvlm-load-${process.pid}`;
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, 'memory.limit_in_bytes'), String(bytes));
    return folder;
  } catch {
    return undefined;
  }
}

/** Noise does not compress: 57 MB in two pictures. */
async function noise(width, height) {
  const data = Buffer.alloc(width * height * 3);
  for (let at = 0; at < data.length; at++) data[at] = Math.random() * 256;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

async function chatBody() {
  const picture = (await noise(2700, 2640)).toString('base64');
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } };
  const content = [{ type: 'text', text: 'What is there?' }, image, image];
  const message = { model: 'demo', max_tokens: 8, messages: [{ role: 'user', content }] };
  return {
    path: '/v1/chat/completions',
    type: 'application/json',
    bytes: Buffer.from(JSON.stringify(message)),
  };
}

async function describeBody() {
  const form = new FormData();
  form.append(
    'request',
    JSON.stringify({ id: 'ID-IN-ITS-PLACE-0000', prompt: 'What is there?', maxNewTokens: 8 }),
  );
  const picture = new Blob([await noise(3100, 3050)]);
  for (const name of ['a', 'b']) form.append('image', picture, name);
  const whole = new Response(form);
  return {
    path: '/v1/frames/describe',
    type: whole.headers.get('content-type'),
    bytes: Buffer.from(await whole.arrayBuffer()),
  };
}

/** @returns the status; or what became of the connection */
function post({ path, type, bytes }) {
  return new Promise((resolve) => {
    const call = request(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': type, 'content-length': bytes.length },
      agent: false,
    });
    let status;
    const id = bytes.indexOf('ID-IN-ITS-PLACE-0000');
    call.on('response', (response) => {
      status = response.statusCode;
      response.resume();
      response.once('end', () => resolve(status));
      response.once('error', (error) => resolve(status === 429 ? status : error.code));
    });
    call.on('error', (error) => status === undefined && resolve(error.code ?? error.message));
    if (id >= 0) {
      // Each request has its own id; the rest is the same memory.
      call.write(bytes.subarray(0, id));
      call.write(String(Math.random()).padEnd(20, '0').slice(0, 20));
      call.end(bytes.subarray(id + 20));
    } else call.end(bytes);
  });
}

function peakMb() {
  const text = readFileSync(`/proc/${engine.pid}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1]) / 1024);
}

function median(times) {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}
