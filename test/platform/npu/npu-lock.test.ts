import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { recentNpuCrashes } from '../../../src/platform/npu/npu-crash-log';
import { npuBusy, tryAcquireNpuLock, waitForNpuLock } from '../../../src/platform/npu/npu-lock';
import { NpuLockFolder } from '../../../src/platform/npu/npu-lock-folder';
import { FileLock } from '../../../src/system/lock/file-lock';
import { useTempFolder } from '../../temp-folder';
import { holdNpuLock } from './hold-npu-lock';

describe('NPU lock', () => {
  const temp = useTempFolder();
  const path = (): string => temp('npu', 'lock');

  async function acquired(): Promise<FileLock> {
    const lock = await tryAcquireNpuLock(path());
    assert.ok(lock instanceof FileLock);
    return lock;
  }

  it('is held by one process at a time; a second one is told which process holds it, and since when', async () => {
    const child = await holdNpuLock(path());
    const holder = await tryAcquireNpuLock(path());
    assert.ok(!(holder instanceof FileLock));
    assert.equal(holder.pid, child.pid);
    assert.match(holder.command, /^node/);
    assert.ok(Math.abs(Date.now() - Date.parse(holder.since)) < 60_000);
    assert.match(npuBusy(holder).message, new RegExp(`held by process ${child.pid} \\(node.*\\) since 20`));
    child.stdin?.end();
    await once(child, 'exit');
    await (await acquired()).release();
    assert.deepEqual(readdirSync(temp('npu')), []);
  });

  it('is acquired by a waiting process when it is released', async () => {
    const child = await holdNpuLock(path());
    const lock = await waitForNpuLock(
      {
        onWait: (pid) => {
          assert.equal(pid, child.pid);
          child.stdin?.end();
        },
      },
      path(),
    );
    assert.equal(lock.holder.pid, process.pid);
    await lock.release();
    if (child.exitCode === null) await once(child, 'exit');
  });

  it('is no longer waited for after an abort', async () => {
    const child = await holdNpuLock(path());
    const abort = new AbortController();
    const waiting = waitForNpuLock(
      { signal: abort.signal, onWait: () => abort.abort(new Error('enough')) },
      path(),
    );
    await assert.rejects(waiting, { message: 'enough' });
    child.kill();
    await once(child, 'exit');
  });

  it('is taken over from a process that was killed', async () => {
    const child = await holdNpuLock(path());
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await acquired()).release();
  });

  it('is taken over from a dead process whose number was reused, and from an old file without content', async () => {
    const lock = await acquired();
    const content = readFileSync(path(), 'utf8');
    await lock.release();
    writeFileSync(path(), JSON.stringify({ ...JSON.parse(content), started: 'another time' }));
    await (await acquired()).release();
    writeFileSync(path(), '');
    utimesSync(path(), new Date(0), new Date(0));
    await (await acquired()).release();
  });

  it('is not removed by a release after another process took it over', async () => {
    const lock = await acquired();
    writeFileSync(path(), JSON.stringify({ ...lock.holder, token: 'another' }));
    await lock.release();
    assert.deepEqual(readdirSync(temp('npu')), ['lock']);
  });

  it('is in a folder in which every user may make files and remove only their own, and every user can read it', async () => {
    const lock = await acquired();
    assert.equal(statSync(dirname(path())).mode & 0o7777, 0o1777);
    assert.equal(statSync(path()).mode & 0o777, 0o644);
    await lock.release();
  });

  it('refuses a folder that is a link or cannot be made, and says what to set', async () => {
    mkdirSync(temp('elsewhere'));
    symlinkSync(temp('elsewhere'), temp('npu'));
    await assert.rejects(tryAcquireNpuLock(path()), refusedFolder);
    assert.deepEqual(readdirSync(temp('elsewhere')), []);
    writeFileSync(temp('file'), '');
    await assert.rejects(tryAcquireNpuLock(temp('file', 'lock')), refusedFolder);
  });

  it('refuses a folder in which every user can remove the files of others, and does not change it', async () => {
    mkdirSync(temp('npu'));
    chmodSync(temp('npu'), 0o777);
    await assert.rejects(tryAcquireNpuLock(path()), { ...refusedFolder, hint: /chmod 1777/ });
    assert.equal(statSync(temp('npu')).mode & 0o7777, 0o777);
    assert.deepEqual(readdirSync(temp('npu')), []);
  });

  it('refuses a link in the lock’s place, and neither reads nor changes what it leads to', async () => {
    const held = await acquired();
    await held.release();
    writeFileSync(temp('secret'), 'untouched', { mode: 0o600 });
    symlinkSync(temp('secret'), path());
    await assert.rejects(tryAcquireNpuLock(path()), {
      code: 'npu-lock-folder',
      message: /found a link/,
    });
    assert.equal(readFileSync(temp('secret'), 'utf8'), 'untouched');
    assert.equal(statSync(temp('secret')).mode & 0o777, 0o600);
  });

  it('does not wait for the writer of a pipe in the lock’s place', async () => {
    await (await acquired()).release();
    execFileSync('mkfifo', [path()]);
    await assert.rejects(tryAcquireNpuLock(path()), refusedFolder);
  });

  it('stays in the folder that was checked when a link takes its place', async () => {
    const folder = NpuLockFolder.open(path());
    renameSync(temp('npu'), temp('moved'));
    mkdirSync(temp('elsewhere'));
    symlinkSync(temp('elsewhere'), temp('npu'));
    const lock = await FileLock.tryAcquire(folder.lockPath);
    assert.ok(lock instanceof FileLock);
    assert.deepEqual([readdirSync(temp('moved')), readdirSync(temp('elsewhere'))], [['lock'], []]);
    await lock.release();
    folder.close();
  });

  describe('between users (needs root)', () => {
    beforeEach(function () {
      // Only root can start another user's process.
      if (process.getuid?.() !== 0) this.skip();
      chmodSync(temp(), 0o1777);
    });

    it('refuses another user’s own folder', async () => {
      mkdirSync(temp('npu'));
      chownSync(temp('npu'), nobody, nobody);
      await assert.rejects(tryAcquireNpuLock(path()), { ...refusedFolder, message: /another user/ });
      assert.equal(statSync(temp('npu')).mode & 0o7777, 0o755);
    });

    it('is taken over from another user’s dead process, by root and by a third user', async () => {
      await (await acquired()).release();
      await killedHolder(path(), nobody);
      const asThird = await holdNpuLock(path(), third);
      // The third user may not remove the dead process's lock, and uses the next place.
      assert.deepEqual(locks(), ['lock', 'lock.2']);
      const holder = await tryAcquireNpuLock(path());
      assert.ok(!(holder instanceof FileLock));
      assert.equal(holder.pid, asThird.pid);
      asThird.stdin?.end();
      await once(asThird, 'exit');
      const lock = await acquired();
      assert.deepEqual(locks(), ['lock']);
      assert.equal(statSync(path()).uid, 0);
      await lock.release();
    });

    it('is not given to the owner of a dead lock while another user holds the next place', async () => {
      await (await acquired()).release();
      await killedHolder(path(), nobody);
      const asThird = await holdNpuLock(path(), third);
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', tryingProgram(path(), nobody)]);
      assert.equal(Number(stdout), asThird.pid);
      asThird.stdin?.end();
      await once(asThird, 'exit');
    });

    it('notes a crash once, whichever users find the lock', async () => {
      await (await acquired()).release();
      const pid = await killedHolder(path(), nobody);
      for (const uid of [third, third, 0]) {
        const child = await holdNpuLock(path(), uid);
        child.stdin?.end();
        await once(child, 'exit');
      }
      const crashes = await recentNpuCrashes(path());
      assert.deepEqual(
        crashes.map((crash) => crash.pid),
        [pid],
      );
    });

    it('is never held by two of many processes of several users, each killed while it holds it', async () => {
      const contend = async (uid: number): Promise<string> => {
        const args = [contendingProcess, String(uid), temp(), '4'];
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text;
        });
        assert.deepEqual(await once(child, 'close'), [null, 'SIGKILL']);
        return said;
      };
      const users = [0, nobody, third, nobody, third, 0];
      const said = await Promise.all(users.map(contend));
      assert.deepEqual(
        said,
        users.map(() => 'alone\n'.repeat(4)),
      );
      await (await acquired()).release();
    });

    it('writes no crash through a link that another user planted', async () => {
      await (await acquired()).release();
      writeFileSync(temp('secret'), 'untouched', { mode: 0o600 });
      const pid = await killedHolder(path(), nobody);
      const links = [`lock.deaths.${process.pid}`, 'lock.deaths', 'lock.crashes.0'].map((name) =>
        temp('npu', name),
      );
      for (const link of links) symlinkSync(temp('secret'), link);
      for (const link of links) lchownSync(link, nobody, nobody);
      await (await acquired()).release();
      assert.equal(readFileSync(temp('secret'), 'utf8'), 'untouched');
      assert.equal(statSync(temp('secret')).mode & 0o777, 0o600);
      assert.equal((await recentNpuCrashes(path()))[0]?.pid, pid);
    });
  });

  function locks(): readonly string[] {
    return readdirSync(temp('npu'))
      .filter((name) => !name.includes('crashes'))
      .sort();
  }
});

const contendingProcess = require.resolve('./contending-process');

/** Users without privileges. */
const [nobody, third] = [65534, 65533];

const refusedFolder = { code: 'npu-lock-folder', hint: /SMOLVLM_NPU_LOCK/ };

/** Starts a process of another user and kills it while it holds the lock. @returns its number */
async function killedHolder(path: string, uid: number): Promise<number | undefined> {
  const child = await holdNpuLock(path, uid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return child.pid;
}

/** Prints who holds the lock. */
function tryingProgram(path: string, uid: number): string {
  const lockModule = require.resolve('../../../src/platform/npu/npu-lock');
  return `const { tryAcquireNpuLock } = require(${JSON.stringify(lockModule)});
    process.setuid(${uid});
    tryAcquireNpuLock(${JSON.stringify(path)}).then((holder) => console.log(holder.release ? 0 : holder.pid));`;
}
