import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { repetitions } from './quick-loop';

/** What a process may grow by in one round: 10,000 runs that lose 400 bytes each are more, as are 2,000 of 2 KB. */
const mostGrowthBytes = 4e6;

/** A heap grows once or twice for its own reasons; a leak grows in every round. */
const rounds = 4;

/** Runs in a round. */
const leakRuns = repetitions(10_000, 2000);

/** @param run what leaves nothing behind; it is repeated many times before it counts */
export async function assertNoLeak(run: () => Promise<void>): Promise<void> {
  const repeat = async (count: number): Promise<void> => {
    for (let time = 0; time < count; time++) await run();
  };
  await repeat(repetitions(3000, 1000));
  const sizes = [await held()];
  while (sizes.length <= rounds) {
    await repeat(leakRuns);
    const before = sizes.at(-1);
    const after = await held();
    sizes.push(after);
    if (before && after.descriptors <= before.descriptors && after.rss - before.rss < mostGrowthBytes) return;
  }
  assert.fail(`grows in each of ${rounds} rounds: ${JSON.stringify(sizes)}`);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function held(): Promise<{ readonly rss: number; readonly descriptors: number }> {
  // Buffers are freed a turn after what held them.
  for (let turn = 0; turn < 3; turn++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const descriptors = (await readdir('/proc/self/fd')).length;
  const pages = Number((await readFile('/proc/self/statm', 'utf8')).split(' ')[1]);
  return { rss: pages * 4096, descriptors };
}
