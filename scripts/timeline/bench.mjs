// Fills a timeline with a million entries and measures searches: node scripts/timeline/bench.mjs [--entries 1000000] [--folder DIR]
// Times include the way to the timeline's thread and back. CPU times of the process are what is left of them on an idle machine.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTimeline } from '../../dist/src/timeline/sqlite/open-timeline.js';
import { captionText, seeded } from './caption-words.mjs';

const { values } = parseArgs({
  options: { entries: { type: 'string', default: '1000000' }, folder: { type: 'string' } },
});
const count = Number(values.entries);
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'smolvlm-timeline-')));
const startMs = Date.UTC(2025, 0, 1);
const stepMs = 30_000;
const cameras = ['porch', 'drive', 'garden', 'garage', 'street', 'hall', 'shed', 'attic'];

const store = await openTimeline({ folder, retention: {} });
const random = seeded(18);
const { entries: already } = await store.statistics();
const began = performance.now();
for (let index = already; index < count; ) {
  const batch = [];
  for (; batch.length < 900 && index < count; index++) {
    // One camera is quiet: words that others have often are never on it.
    const camera = cameras[random(50) === 0 ? 7 : random(7)];
    const text = camera === 'attic' ? 'An empty attic.' : captionText(random);
    batch.push(store.add({ camera, text, timeMs: startMs + index * stepMs, model: 'SmolVLM-256M' }));
  }
  await Promise.all(batch);
}
const filled = (performance.now() - began) / 1000;
const { size } = await stat(join(folder, 'timeline.db'));
console.log(
  `Node.js ${process.versions.node}, ${cpus()[0]?.model}; ${count} entries, ${(size / 1e6).toFixed(0)} MB, filled in ${filled.toFixed(0)} s`,
);

const endMs = startMs + count * stepMs;
const words = [
  'parcel',
  'post',
  'hedgehog',
  'red car',
  'man',
  'wom',
  'umbrella rain',
  '"white van"',
  'pr',
  'black cat -dog',
  'hedgehog snow',
  'delivery driver porch',
  'image',
  'the',
  'standing',
  'unicorn',
  'blackbird',
];
const kinds = {
  'full text': () => ({ text: words[random(words.length)] }),
  'full text, one camera': () => ({ text: words[random(words.length)], camera: cameras[random(8)] }),
  'full text, one day': () => {
    const from = startMs + random(count) * stepMs;
    return { text: words[random(words.length)], from, to: from + 86_400_000 };
  },
  'full text, camera, day, changes': () => {
    const from = startMs + random(count) * stepMs;
    return {
      text: words[random(words.length)],
      camera: cameras[random(8)],
      from,
      to: from + 86_400_000,
      changed: true,
    };
  },
  'full text, oldest page': () => ({
    text: words[random(words.length)],
    before: (startMs + random(count / 20) * stepMs) * 1000,
  }),
  'a camera’s changes': () => ({
    camera: cameras[random(8)],
    changed: true,
    before: (endMs - random(count) * stepMs) * 1000,
  }),
  'all cameras’ changes': () => ({ changed: true, before: (endMs - random(count) * stepMs) * 1000 }),
  'a word that this camera never has': () => ({
    text: ['man', 'red car', 'parcel', 'street'][random(4)],
    camera: 'attic',
  }),
};
const rounds = 200;
for (const [name, query] of Object.entries(kinds)) {
  const times = [];
  const cpuTimes = [];
  const worst = { ms: 0 };
  for (let index = 0; index < rounds; index++) {
    const asked = query();
    const cpu = process.cpuUsage();
    const start = performance.now();
    await store.search(asked);
    const ms = performance.now() - start;
    times.push(ms);
    const { user, system } = process.cpuUsage(cpu);
    cpuTimes.push((user + system) / 1000);
    if (ms > worst.ms) Object.assign(worst, { ms, asked });
  }
  console.log(
    `${name}: p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms; CPU p50 ${at(cpuTimes, 0.5)} ms, p99 ${at(cpuTimes, 0.99)} ms; most ${worst.ms.toFixed(1)} ms (${JSON.stringify(worst.asked)})`,
  );
}

/** @returns the value below which a share of all lies */
function at(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(rounds - 1, Math.floor(rounds * share))].toFixed(1);
}

for (const [name, ask] of [
  ['days', () => store.days()],
  ['cameras', () => store.cameras()],
  ['statistics', () => store.statistics()],
  ['one new entry', () => store.add({ camera: 'porch', text: captionText(random) })],
]) {
  const start = performance.now();
  await ask();
  console.log(`${name}: ${(performance.now() - start).toFixed(1)} ms`);
}
await store.close();
if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
