import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { npuBusy, tryAcquireNpuLock, waitForNpuLock } from '../../../src/platform/npu/npu-lock';
import { FileLock } from '../../../src/system/file-lock';
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

  it('is held by one process at a time; the second is told which, what and since when', async () => {
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

  it('is handed to the process that waits', async () => {
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

  it('is given up waiting for when aborted', async () => {
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

  it('is taken over from a dead process whose number was given again, and from a file cut short long ago', async () => {
    const lock = await acquired();
    const content = readFileSync(path(), 'utf8');
    await lock.release();
    writeFileSync(path(), JSON.stringify({ ...JSON.parse(content), started: 'another time' }));
    await (await acquired()).release();
    writeFileSync(path(), '');
    utimesSync(path(), new Date(0), new Date(0));
    await (await acquired()).release();
  });

  it('is left alone by a release that comes after another took it over', async () => {
    const lock = await acquired();
    writeFileSync(path(), JSON.stringify({ ...lock.holder, token: 'another' }));
    await lock.release();
    assert.deepEqual(readdirSync(temp('npu')), ['lock']);
  });

  it('lies in a folder that every user may write to, and can be read by all', async () => {
    const lock = await acquired();
    assert.equal(statSync(dirname(path())).mode & 0o7777, 0o777);
    assert.equal(statSync(path()).mode & 0o777, 0o644);
    await lock.release();
  });

  it('refuses a folder that is a link or cannot be made, and says what to set', async () => {
    mkdirSync(temp('elsewhere'));
    symlinkSync(temp('elsewhere'), temp('npu'));
    const expected = { code: 'npu-lock-folder', hint: /SMOLVLM_NPU_LOCK/ };
    await assert.rejects(tryAcquireNpuLock(path()), expected);
    writeFileSync(temp('file'), '');
    await assert.rejects(tryAcquireNpuLock(temp('file', 'lock')), expected);
  });
});
