import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { withFileLock } from '../../src/system/file-lock';

const lockModule = require.resolve('../../src/system/file-lock');

describe('withFileLock', () => {
  let dir: string;
  let lock: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-lock-'));
    lock = join(dir, 'deep', 'bundle.lock');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** A process that takes the lock, says so, and holds it until it ends. */
  async function holdingChild(): Promise<ChildProcess> {
    const program = `require(${JSON.stringify(lockModule)}).withFileLock(${JSON.stringify(lock)}, () => {
      process.stdout.write('held');
      return new Promise((resolve) => process.stdin.once('end', resolve).resume());
    });`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return child;
  }

  it('lets one at a time in and leaves nothing behind', async () => {
    let inside = 0;
    const work = async (): Promise<void> => {
      assert.equal(++inside, 1);
      await nextTurn();
      inside--;
    };
    await Promise.all([withFileLock(lock, work), withFileLock(lock, work), withFileLock(lock, work)]);
    assert.deepEqual(await readdir(join(dir, 'deep')), []);
  });

  it('gives the result on, and lets go after a failure', async () => {
    await assert.rejects(
      withFileLock(lock, () => Promise.reject(new Error('no space'))),
      { message: 'no space' },
    );
    assert.equal(await withFileLock(lock, async () => 7), 7);
  });

  it('waits for another process, saying which', async () => {
    const child = await holdingChild();
    const order: string[] = [];
    child.once('exit', () => order.push('child ended'));
    const waited = await withFileLock(
      lock,
      async () => {
        order.push('entered');
        return order;
      },
      {
        onWait: (pid) => {
          assert.equal(pid, child.pid);
          order.push('waited');
          child.stdin?.end();
        },
      },
    );
    assert.equal(waited[0], 'waited');
    assert.ok(waited.includes('entered'));
    if (child.exitCode === null) await once(child, 'exit');
  });

  it('takes over from a process that was killed', async () => {
    const child = await holdingChild();
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(await withFileLock(lock, async () => 'mine'), 'mine');
  });

  it('takes over from an earlier process with the same number', async () => {
    const held = await withFileLock(lock, () => readFile(lock, 'utf8'));
    await writeFile(lock, JSON.stringify({ ...JSON.parse(held), started: 'long ago' }));
    assert.equal(await withFileLock(lock, async () => 'mine'), 'mine');
  });

  it('stops waiting when it is aborted', async () => {
    const child = await holdingChild();
    const abort = new AbortController();
    const waiting = withFileLock(lock, async () => 'entered', {
      signal: abort.signal,
      onWait: () => abort.abort(new Error('enough')),
    });
    await assert.rejects(waiting, { message: 'enough' });
    child.kill();
    await once(child, 'exit');
  });
});
