// Kills a process that writes to a timeline, again and again, and looks for every acknowledged entry afterwards:
//   node scripts/timeline/kills.mjs [--kills 200]
// Every second time the process has a limit of 10 MB, so that it is killed while it deletes the oldest entries.
// Prints a JSON line; ends with 1 if an entry is missing or damaged, or a removed one is back.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openTimeline } from '../../dist/src/timeline/sqlite/open-timeline.js';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' } } });
const kills = Number(values.kills);
const writer = join(dirname(fileURLToPath(import.meta.url)), 'writer.mjs');
const folder = await mkdtemp(join(tmpdir(), 'smolvlm-timeline-'));

/** Entries that must be there; those being removed when the process ended may be or not. */
const acknowledged = new Map();
const faults = [];
let checked = 0;
let expired = 0;
for (let round = 1; round <= kills; round++) {
  const megabytes = round % 2 === 0 ? 10 : 0;
  const child = spawn(process.execPath, [writer, folder, String(megabytes), String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = new Promise((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'ready') return resolve();
      const message = JSON.parse(line);
      if (message.removing !== undefined) acknowledged.delete(message.removing);
      else if (message.removed !== undefined) acknowledged.set(message.removed, undefined);
      else acknowledged.set(message.id, message);
    });
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await Promise.race([ready, ended]);
  await delay(Math.random() * 250);
  child.kill('SIGKILL');
  await ended;

  const trouble = [];
  const store = await openTimeline({ folder, retention: {} });
  store.onTrouble((error) => trouble.push(error.message));
  // The limit deletes the oldest first: what is missing is older than everything that is left.
  const oldest = megabytes > 0 ? await oldestId(store) : 0;
  for (const [id, expected] of acknowledged) {
    if (expected === undefined || id >= oldest) continue;
    acknowledged.set(id, undefined);
    expired++;
  }
  for (const [id, expected] of acknowledged) {
    const entry = await store.entry(id);
    if (expected === undefined) {
      if (entry) faults.push({ round, id, fault: 'a removed entry is back' });
      continue;
    }
    const picture = await store.picture(id);
    const whole = picture?.length === expected.bytes && picture.every((byte) => byte === expected.byte);
    if (entry?.text !== expected.text || !whole)
      faults.push({ round, id, fault: entry ? 'damaged' : 'missing' });
    checked++;
  }
  faults.push(...trouble.map((fault) => ({ round, fault })));
  const { entries } = await store.statistics();
  const found = await store.search({ text: 'image', limit: 1000 });
  if (found.entries.length !== Math.min(1000, entries))
    faults.push({ round, fault: `${entries} entries, ${found.entries.length} found` });
  // Older ones were looked at often enough.
  if (entries > 900) {
    await store.remove([...acknowledged.keys()]);
    for (const [id, expected] of acknowledged) if (expected) acknowledged.set(id, undefined);
    if (acknowledged.size > 4000) acknowledged.clear();
    const { entries: left } = await store.search({ limit: 1000 });
    await store.remove(left.map(({ id }) => id));
  }
  await store.close();
}
await rm(folder, { recursive: true, force: true });
process.stdout.write(
  `${JSON.stringify({ campaign: 'timeline-kills', node: process.versions.node, kills, checked, expired, faults })}\n`,
);
if (faults.length > 0) process.exitCode = 1;

async function oldestId(store) {
  let { entries, next } = await store.search({ limit: 1000 });
  while (next !== undefined) ({ entries, next } = await store.search({ limit: 1000, before: next }));
  return entries.at(-1)?.id ?? Number.POSITIVE_INFINITY;
}
