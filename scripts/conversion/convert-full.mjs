// npm run test:convert: converts a random checkpoint of SmolVLM-256M's shape to 24 shards at full size, is killed in the
// middle, resumed, and validated in the simulator; prints times and memory. Needs 3 GB of disk and a few minutes.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { treeMemoryBytes } from '../process-memory.mjs';
import { root, run, setUp } from '../setup.mjs';

setUp();
const main = join(root, 'dist', 'cli', 'main.js');
const precision = process.argv[2] ?? 'fp16';
let peakBytes = 0;
const work = mkdtempSync(join(tmpdir(), 'smolvlm-convert-full-'));
try {
  run(process.execPath, [main, 'convert', '--setup']);
  const model = join(work, 'model');
  const configs = join(root, 'test', 'fixtures', 'goldens', 'smolvlm-256m');
  run(process.execPath, [main, 'inspect', 'random-checkpoint', '--configs', configs, '--out', model]);
  const out = join(work, 'bundle');
  const convert = ['convert', '--model', model, '--out', out, '--target', 'rk3588', '--precision', precision];

  const killAfter = 8;
  const begun = performance.now();
  const first = spawn(process.execPath, [main, ...convert], { stdio: ['ignore', 'ignore', 2] });
  const gone = watched(first);
  while (finished(out).length < killAfter) await delay(100);
  first.kill('SIGKILL');
  await gone;
  const killedSeconds = (performance.now() - begun) / 1000;
  expect(!existsSync(out), 'no bundle where a whole one is expected');
  const kept = finished(out).map((name) => [name, statSync(join(`${out}.partial`, `${name}.rknn`))]);
  process.stdout.write(`killed after ${killedSeconds.toFixed(0)} s with ${kept.length} shards finished\n`);

  const { path, manifest, report } = await json([...convert, '--resume']);
  for (const [name, before] of kept) {
    const after = statSync(join(path, `${name}.rknn`));
    expect(after.ino === before.ino && after.mtimeMs === before.mtimeMs, `${name} was not built again`);
  }
  expect(manifest.stages.length === 24, '24 shards');
  const bytes = manifest.stages.reduce((sum, { file }) => sum + file.sizeBytes, 0);
  process.stdout.write(
    `resumed: ${report.seconds.toFixed(0)} s for the other ${24 - kept.length} shards and the decoder; ` +
      `${(bytes / 1e6).toFixed(0)} MB of shards; at most ${gigabytes(report.peak_rss_bytes)} a worker, ` +
      `${gigabytes(peakBytes)} all processes together; ` +
      `cosine of the whole tower ${report.tower_cosine.toFixed(6)}\n`,
  );
  const validation = await json(['validate', path, '--backend', 'simulator', '--model', model]);
  expect(validation.pass, 'the bundle validates in the simulator');
  process.stdout.write(
    `validated: rows for the decoder have cosine ${validation.end_to_end_cosine.toFixed(6)}\n`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Shards the journal of an unfinished bundle lists. */
function finished(out) {
  try {
    const { parts } = JSON.parse(readFileSync(join(`${out}.partial`, 'parts.json'), 'utf8'));
    return Object.keys(parts).filter((name) => /^l\d+_(attn|mlp)$/.test(name));
  } catch {
    return [];
  }
}

function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Waits for a process to end, and keeps the most memory it and its children took. @returns its status */
async function watched(child) {
  const sample = setInterval(() => {
    peakBytes = Math.max(peakBytes, treeMemoryBytes(child.pid));
  }, 500);
  const status = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(sample);
  return status;
}

function expect(met, what) {
  if (!met) throw new Error(`expected: ${what}`);
}

async function json(args) {
  const child = spawn(process.execPath, [main, ...args, '--json'], { stdio: ['ignore', 'pipe', 2] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data) => {
    text += data;
  });
  const status = await watched(child);
  if (status !== 0) throw new Error(`smolvlm ${args[0]} ended with ${status}`);
  return JSON.parse(text);
}
