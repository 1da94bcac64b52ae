// npm run test:fuzz-memory: damaged and odd requests to the demo model, with pictures whole and damaged, while a camera is
// captioned without pause. Prints a JSON line; ends with 1 when a request got a server error or no answer within a minute,
// a caption of the camera was not ready in its time, or the engine's memory grew from the second quarter to the last.
//   --requests 50000   --callers 4   --deadline-ms 10000   --growth-mb 40   --seconds 3600 (the most it runs)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { treeMemoryBytes } from '../process-memory.mjs';
import { root, setUp } from '../setup.mjs';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '50000' },
    callers: { type: 'string', default: '4' },
    'deadline-ms': { type: 'string', default: '10000' },
    'growth-mb': { type: 'string', default: '40' },
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: String(Date.now() & 0x7fffffff) },
  },
});
const number = (name) => {
  const value = Number(values[name]);
  if (!(value >= 1)) throw new Error(`--${name}: expected a number of at least 1, received ${values[name]}`);
  return value;
};

setUp();
const { EngineClient } = (await import('../../dist/src/client/engine-client.js')).default;
const { mutatedBytes, mutatedJson, mutatedText } = (await import('../../dist/test/fuzz.js')).default;
const { openaiRequests } = (await import('../../dist/test/server/openai/openai-requests.js')).default;

const frame = (name) => readFileSync(join(root, 'models/demo-frames', name));
const pictures = ['frame_05_porch_day.jpg', 'frame_09_street_day.jpg'].map(frame);
const engine = spawn(
  process.execPath,
  [join(root, 'dist/cli/main.js'), 'serve', '--model', 'demo', '--port', '0', '--no-token'],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);
const startedAt = Date.now();
const faults = [];
/** With the second at which it was noticed. */
const fault = (words) => faults.push(`${Math.round((Date.now() - startedAt) / 1000)} s: ${words}`);
engine.once('exit', (code, signal) => fault(`the engine ended with ${signal ?? code}`));
let url;
const lines = createInterface({ input: engine.stderr });
for await (const line of lines) {
  url = /http:\/\/\S+/.exec(line)?.[0];
  if (url) break;
}
engine.stderr.resume();

const total = number('requests');
const endAt = Date.now() + 1000 * number('seconds');
const client = new EngineClient({ kind: 'remote', url: new URL(url) });
const times = [];
let sending = true;
let round = 0;
async function caption() {
  const started = Date.now();
  // A different crop is a different frame, so that nothing is cached.
  const crop = {
    x: 0,
    y: 0,
    width: 1 - (Math.floor(round / 400) % 600) / 640,
    height: 1 - (round++ % 400) / 480,
  };
  const asked = {
    prompt: 'What is there?',
    camera: 'door',
    priority: 1,
    crop,
    deadlineMs: number('deadline-ms'),
  };
  const final = await client.describe(asked, [pictures[0]]);
  if (final.type !== 'result') fault(`a caption: ${JSON.stringify(final)}`);
  times.push(Date.now() - started);
}
await caption();
times.length = 0;
const camera = (async () => {
  while (sending) await caption();
})();

const bodies = generated();
const statuses = {};
const memoryMb = [];
let sent = 0;
await Promise.all(
  Array.from({ length: number('callers') }, async () => {
    while (sent < total && Date.now() < endAt && engine.exitCode === null && engine.signalCode === null) {
      const number = sent++;
      if (number % Math.ceil(total / 400) === 0) memoryMb.push(treeMemoryBytes(engine.pid) / 2 ** 20);
      await post(bodies.next().value);
    }
  }),
);
sending = false;
await camera;
await client.close();
const ended = [...faults];
engine.kill('SIGTERM');
if (engine.exitCode === null && engine.signalCode === null) await once(engine, 'exit');

const quarter = Math.floor(memoryMb.length / 4);
const early = median(memoryMb.slice(quarter, 2 * quarter));
const late = median(memoryMb.slice(-quarter));
if (late - early > number('growth-mb')) ended.push(`the memory grew from ${early} to ${late} MB`);
times.sort((a, b) => a - b);
process.stdout.write(
  `${JSON.stringify({
    requests: sent,
    seed: Number(values.seed),
    statuses,
    memory_mb: {
      second_quarter: Math.round(early),
      last_quarter: Math.round(late),
      most: Math.round(Math.max(...memoryMb)),
    },
    captions: times.length,
    caption_ms: { median: median(times), slowest: times.at(-1) },
    load: loadavg().map((value) => Math.round(value * 10) / 10),
    faults: ended.slice(0, 10),
  })}\n`,
);
process.exitCode = ended.length > 0 ? 1 : 0;

/** Requests without end: any value in any place, damaged text, damaged pictures, of OpenAI's API and of the engine's own. */
function* generated() {
  const picture = fc.oneof(
    fc.constantFrom(...pictures),
    fc.constantFrom(...pictures).chain((bytes) => mutatedBytes(bytes.subarray(0, 20_000))),
  );
  const withPicture = picture.map((bytes) => ({
    model: 'demo',
    max_tokens: 3,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is there?' },
          { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${bytes.toString('base64')}` } },
        ],
      },
    ],
  }));
  const chat = (body) => ({ path: '/v1/chat/completions', body });
  const kinds = fc.oneof(
    fc.constantFrom(...Object.entries(openaiRequests)).chain(([path, request]) =>
      fc.oneof(
        mutatedJson(request).map((json) => ({ path, body: JSON.stringify(json) ?? 'null' })),
        mutatedText(JSON.stringify(request)).map((body) => ({ path, body })),
      ),
    ),
    withPicture.map((request) => chat(JSON.stringify(request))),
    fc
      .record({ bytes: picture, request: mutatedJson({ prompt: 'x', maxNewTokens: 3, detail: 'full' }) })
      .map(form),
  );
  for (let seed = Number(values.seed); ; seed++) yield* fc.sample(kinds, { numRuns: 100, seed });
}

function form({ bytes, request }) {
  const body = new FormData();
  const isObject = typeof request === 'object' && request !== null && !Array.isArray(request);
  body.append('request', JSON.stringify(isObject ? { id: `fuzz-${Math.random()}`, ...request } : request));
  body.append('image', new Blob([bytes]), 'a.jpg');
  return { path: '/v1/frames/describe', body };
}

async function post({ path, body }) {
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  try {
    const signal = AbortSignal.timeout(60_000);
    const response = await fetch(`${url}${path}`, { method: 'POST', body, headers, signal });
    const text = await response.text();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    if (response.status >= 500 || /server_error|"code":"internal"/.test(text))
      fault(`${response.status} ${text.slice(0, 300)} to ${path} ${String(body).slice(0, 300)}`);
  } catch (error) {
    fault(`${error} to ${path} ${String(body).slice(0, 300)}`);
  }
}

function median(list) {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
}
