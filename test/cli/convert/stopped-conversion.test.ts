import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { useCleanup } from '../../cleanup';
import { main, runSmolvlm } from '../run-smolvlm';
import { SmallConversion } from './small-conversion';

describe('a conversion that is stopped', function () {
  const cleanup = useCleanup();
  this.timeout(300_000);
  const small = new SmallConversion();
  before(() => small.prepare());
  after(() => small.remove());

  it('reports a killed worker, leaves no bundle, and continues the next time', async () => {
    const out = join(small.folder, 'worker');
    const child = spawn(process.execPath, [main, ...small.arguments(out, '--workers', '1')]);
    cleanup(() => child.kill('SIGKILL'));
    let told = '';
    child.stderr.on('data', (data: Buffer) => {
      told += data;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (!told.includes('l0_attn (') && child.exitCode === null) await sleep(20);
    process.kill(await workerOf(child.pid!), 'SIGKILL');
    assert.equal(await ended, 1);
    assert.match(
      told,
      /the conversion worker .* ended with SIGKILL \[toolkit-worker-lost\].*has run out of memory/s,
    );
    assert.ok(!existsSync(out));
    const first = await stat(join(`${out}.partial`, 'l0_attn.rknn'));
    const { status, stderr } = await runSmolvlm(small.arguments(out, '--workers', '1'));
    assert.equal(status, 0, stderr);
    assert.equal((await stat(join(out, 'l0_attn.rknn'))).ino, first.ino);
  });

  it('continues where a killed conversion stopped, and does not build finished shards again', async () => {
    const out = join(small.folder, 'killed');
    const child = spawn(process.execPath, [main, ...small.arguments(out, '--workers', '1')], {
      stdio: 'ignore',
    });
    cleanup(() => child.kill('SIGKILL'));
    const ended = new Promise((resolve) => child.once('close', resolve));
    const first = join(`${out}.partial`, 'l0_mlp.rknn');
    const journal = join(`${out}.partial`, 'parts.json');
    for (;;) {
      await sleep(20);
      if (existsSync(journal) && (await readFile(journal, 'utf8')).includes('l0_mlp')) break;
    }
    const worker = await workerOf(child.pid!);
    child.kill('SIGKILL');
    await ended;
    assert.ok(!existsSync(out), 'no half bundle where a whole one is expected');
    // The worker detects that its converter has ended.
    while (await isWorker(worker)) await sleep(20);
    const before = await stat(first);
    const { status, stderr } = await runSmolvlm(small.arguments(out, '--workers', '1', '--resume'));
    assert.equal(status, 0, stderr);
    const after = await stat(join(out, 'l0_mlp.rknn'));
    assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
  });

  for (const [title, stop] of [
    ['it is interrupted', (child: ChildProcess) => child.kill('SIGTERM')],
    ['the process that started it is gone', (child: ChildProcess) => child.disconnect()],
  ] as const) {
    it(`ends its workers when ${title}`, async () => {
      const out = join(small.folder, 'stopped');
      const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const;
      const args = [main, ...small.arguments(out, '--workers', '1')];
      const child = spawn(process.execPath, args, { stdio: [...stdio] });
      let told = '';
      child.stderr?.on('data', (data: Buffer) => {
        told += data;
      });
      const heard = new Promise((resolve) => child.stderr?.once('end', resolve));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      let worker: number | undefined;
      while (worker === undefined && child.exitCode === null) {
        worker = await sleep(20).then(() => findWorker(child.pid!));
      }
      assert.ok(worker !== undefined, told);
      stop(child);
      assert.equal(await ended, 1);
      await heard;
      assert.match(told, /interrupted/);
      assert.ok(!existsSync(out));
      assert.equal(await isWorker(worker), false);
    });
  }
});

/** The worker that a conversion of one worker started, once it has. */
async function findWorker(pid: number): Promise<number | undefined> {
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
    if (status.includes(`\nPPid:\t${pid}\n`) && (await isWorker(id))) return id;
  }
  return undefined;
}

async function workerOf(pid: number): Promise<number> {
  const worker = await findWorker(pid);
  assert.ok(worker !== undefined, `process ${pid} has a worker`);
  return worker;
}

/** false for a process that has ended, even if its status has not been collected yet. */
async function isWorker(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('convert_worker.py');
}
