// What Node.js alone adds to a request like a caption's: 200 KB by a Unix socket to another process, from there to a thread
// that computes for 15 ms, to one that computes for 20 ms, and back. Prints quantiles of the time beyond the computing.
// Argument: the number of requests, 300 without it.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const file = fileURLToPath(import.meta.url);
/** In which V8 compiles. */
const warmUps = 30;

if (!isMainThread) compute(workerData);
else if (process.send) serve(process.argv[2]);
else await measure(Number(process.argv[2] ?? 300));

function compute(ms) {
  parentPort.on('message', (bytes) => {
    const start = performance.now();
    while (performance.now() - start < ms);
    parentPort.postMessage({ bytes, spentMs: performance.now() - start });
  });
}

function serve(path) {
  const [image, inference] = [15, 20].map((ms) => new Worker(file, { workerData: ms }));
  const ask = (worker, bytes) =>
    new Promise((resolve) => {
      worker.once('message', resolve);
      worker.postMessage(bytes);
    });
  const server = createServer(async (received, response) => {
    const parts = [];
    for await (const part of received) parts.push(part);
    const picture = await ask(image, new Uint8Array(Buffer.concat(parts)));
    const answer = await ask(inference, picture.bytes);
    response.end(String(picture.spentMs + answer.spentMs));
  });
  server.listen(path, () => process.send('listening'));
}

async function measure(count) {
  const folder = mkdtempSync(join(tmpdir(), 'bare-'));
  const socketPath = join(folder, 's');
  const child = fork(file, [socketPath]);
  await new Promise((resolve) => child.once('message', resolve));
  const agent = new Agent({ keepAlive: true });
  const body = Buffer.alloc(200_000, 7);
  const overheadsMs = [];
  for (let sent = 0; sent < count + warmUps; sent++) {
    await delay(30);
    const start = performance.now();
    const response = await new Promise((resolve, reject) => {
      request({ socketPath, method: 'POST', agent }, resolve).on('error', reject).end(body);
    });
    const spentMs = Number(await text(response));
    if (sent >= warmUps) overheadsMs.push(performance.now() - start - spentMs);
  }
  agent.destroy();
  child.kill();
  rmSync(folder, { recursive: true });
  overheadsMs.sort((a, b) => a - b);
  const at = (share) => overheadsMs[Math.ceil(share * count) - 1].toFixed(2);
  process.stdout.write(`p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms\n`);
}
