import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FileLock, withFileLock } from '../../../src/system/lock/file-lock';
import { type LockHolder, parseLockHolder, thisProcess } from '../../../src/system/lock/lock-holder';

const lockModule = require.resolve('../../../src/system/lock/file-lock');

describe('withFileLock', () => {
  let dir: string;
  let lock: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-lock-'));
    lock = join(dir, 'deep', 'bundle.lock');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('removes the draft of a process that was killed while it took the lock, and no other', async () => {
    await mkdir(dirname(lock), { recursive: true });
    const self = { ...thisProcess(), since: new Date().toISOString() };
    const drafts = {
      dead: `${lock}.00000000-0000-4000-8000-000000000001`,
      empty: `${lock}.00000000-0000-4000-8000-000000000002`,
      living: `${lock}.00000000-0000-4000-8000-000000000003`,
    };
    await writeFile(drafts.dead, JSON.stringify({ ...self, token: 'a', pid: 2 ** 22 + 1 }));
    await writeFile(drafts.empty, '');
    await writeFile(drafts.living, JSON.stringify({ ...self, token: 'b' }));
    await withFileLock(lock, async () => undefined);
    assert.deepEqual(Object.values(drafts).map(existsSync), [false, true, true]);
  });

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

  it('runs one piece of work at a time and leaves nothing behind', async () => {
    let inside = 0;
    const work = async (): Promise<void> => {
      assert.equal(++inside, 1);
      await nextTurn();
      inside--;
    };
    await Promise.all([withFileLock(lock, work), withFileLock(lock, work), withFileLock(lock, work)]);
    assert.deepEqual(await readdir(join(dir, 'deep')), []);
  });

  it('returns the result, and releases the lock after a failure', async () => {
    await assert.rejects(
      withFileLock(lock, () => Promise.reject(new Error('no space'))),
      { message: 'no space' },
    );
    assert.equal(await withFileLock(lock, async () => 7), 7);
  });

  it('waits for another process and reports which', async () => {
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

  it('takes over at once from a process that does not run, and from a file cut short a minute ago', async () => {
    await mkdir(dirname(lock));
    await writeFile(lock, JSON.stringify({ ...lockOf(process.pid), pid: 2 ** 31 - 1 }));
    assert.equal(await withFileLock(lock, async () => 'mine'), 'mine');
    for (const content of ['{"pi', '', 'null', JSON.stringify(lockOf(0)), JSON.stringify(lockOf(2 ** 40))]) {
      await writeFile(lock, content);
      await utimes(lock, new Date(0), new Date(0));
      assert.equal(await withFileLock(lock, async () => 'mine'), 'mine');
    }
    assert.deepEqual(await readdir(dirname(lock)), []);
  });

  it('is taken over from a thread of this process that crashed, once its heartbeat has stopped', async () => {
    await mkdir(dirname(lock));
    await writeFile(lock, JSON.stringify(lockOf(process.pid)));
    assert.ok(!((await FileLock.tryAcquire(lock)) instanceof FileLock));
    await utimes(lock, new Date(0), new Date(0));
    assert.equal(await withFileLock(lock, async () => 'mine'), 'mine');
  });

  it('is held by this thread however late its heartbeat is', async () => {
    await mkdir(dirname(lock));
    const held = await FileLock.tryAcquire(lock);
    assert.ok(held instanceof FileLock);
    await utimes(lock, new Date(0), new Date(0));
    assert.ok(!((await FileLock.tryAcquire(lock)) instanceof FileLock));
    await held.release();
  });

  it('is not taken from the process that took it over', async () => {
    await mkdir(dirname(lock));
    const held = await FileLock.tryAcquire(lock);
    assert.ok(held instanceof FileLock);
    await writeFile(lock, JSON.stringify({ ...held.holder, token: 'another' }));
    await held.release();
    assert.deepEqual(await readdir(dirname(lock)), ['bundle.lock']);
  });

  it('gives the lock of a dead process to one of many that ask at once', async () => {
    await mkdir(dirname(lock));
    await writeFile(lock, JSON.stringify({ ...lockOf(process.pid), started: 'long ago' }));
    const asked = await Promise.all(Array.from({ length: 8 }, () => FileLock.tryAcquire(lock)));
    const held = asked.filter((each) => each instanceof FileLock);
    assert.equal(held.length, 1);
    await held[0]?.release();
    assert.deepEqual(await readdir(dirname(lock)), []);
  });

  it('is not acquired while a running process has a later place', async () => {
    await mkdir(dirname(lock));
    const other = await FileLock.tryAcquire(`${lock}.2`);
    assert.ok(other instanceof FileLock);
    const refused = await FileLock.tryAcquire(lock);
    assert.ok(!(refused instanceof FileLock));
    assert.equal(refused.token, other.holder.token);
    assert.deepEqual(await readdir(dirname(lock)), ['bundle.lock.2']);
    await other.release();
  });

  it('leaves no lock behind when something else is at a later place', async () => {
    await mkdir(dirname(lock));
    await symlink('/nowhere', `${lock}.2`);
    await assert.rejects(FileLock.tryAcquire(lock), { code: 'file-lock', message: /found a link/ });
    assert.deepEqual(await readdir(dirname(lock)), ['bundle.lock.2']);
  });

  it('shows another user’s words without what a terminal would obey', () => {
    const holder = parseLockHolder(
      JSON.stringify({ ...lockOf(1), command: `\u001b[2Jnode\u202e${'x'.repeat(300)}` }),
    );
    assert.match(holder?.command ?? '', /^\?\[2Jnode\?x+$/);
    assert.equal(holder?.command.length, 200);
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

/** The lock of a process of this machine. */
function lockOf(pid: number): LockHolder {
  return { ...thisProcess(), pid, token: 'token', since: '2026-03-01T10:00:00.000Z' };
}
