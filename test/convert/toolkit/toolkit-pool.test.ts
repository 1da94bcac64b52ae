import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { ToolkitPool, workerCount } from '../../../src/convert/toolkit/toolkit-pool';
import { useTempFolder } from '../../temp-folder';

describe('workerCount', () => {
  it('is bounded by cores and by memory, and at least one', () => {
    assert.deepEqual([workerCount(4, 16e9), workerCount(16, 3.5e9), workerCount(8, 0.2e9)], [4, 3, 1]);
  });
});

describe('ToolkitPool', () => {
  const temp = useTempFolder();

  /** Workers that record that they were started and report that they are ready. */
  async function pool(size: number): Promise<ToolkitPool> {
    const script = temp('worker');
    const ready = '{"event":"ready","toolkit":"2.3.2"}';
    await writeFile(script, `echo started >> ${temp('starts')}; echo '${ready}' >&4; read line <&3`);
    return new ToolkitPool(
      { toolkit: { python: 'sh', version: '2.3.2' }, logFile: temp('log'), script },
      size,
    );
  }

  const starts = async (): Promise<number> =>
    (await readFile(temp('starts'), 'utf8')).trim().split('\n').length;

  it('starts at most the allowed number of workers, and assigns each to one stage at a time', async () => {
    await using workers = await pool(2);
    const busy = new Set<object>();
    const jobs = Array.from({ length: 6 }, () =>
      workers.use(async (worker) => {
        assert.ok(!busy.has(worker));
        busy.add(worker);
        await new Promise(setImmediate);
        busy.delete(worker);
      }),
    );
    await Promise.all(jobs);
    assert.equal(await starts(), 2);
  });

  it('rejects waiting callers when it is closed, and starts no worker afterwards', async () => {
    const workers = await pool(1);
    let close: Promise<void> | undefined;
    const first = workers.use(async () => {
      close = workers[Symbol.asyncDispose]();
      await close;
    });
    const second = workers.use(() => Promise.resolve());
    await assert.rejects(second, { code: 'toolkit-worker-lost', message: /was stopped/ });
    await first;
    await assert.rejects(
      workers.use(() => Promise.resolve()),
      { code: 'toolkit-worker-lost' },
    );
    assert.equal(await starts(), 1);
  });
});
