import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a process may still grow by: 10,000 runs that lose 400 bytes each are more, the heap's own ups and downs less. */
const mostGrowthBytes = 4e6;

/** @param run what is to leave nothing behind, made a few thousand times before it counts */
export async function assertNoLeak(run: () => Promise<void>, times: number): Promise<void> {
  const repeat = async (count: number): Promise<void> => {
    for (let time = 0; time < count; time++) await run();
  };
  await repeat(3000);
  const before = await held();
  await repeat(times);
  const after = await held();
  assert.ok(
    after.descriptors <= before.descriptors,
    `descriptors ${before.descriptors} → ${after.descriptors}`,
  );
  assert.ok(after.rss - before.rss < mostGrowthBytes, `resident bytes ${before.rss} → ${after.rss}`);
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
