import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryAcquireNpuLock } from '../../../src/platform/npu/npu-lock';
import { FileLock } from '../../../src/system/lock/file-lock';

// A process that takes the NPU's lock again and again, and is killed while it holds it for the last time.
// Arguments: user, folder, times. Prints `alone` each time, or `TOGETHER` when another process also holds the lock.

async function main(): Promise<void> {
  const [uid = '', folder = '', times = ''] = process.argv.slice(2);
  process.setuid?.(Number(uid));
  for (let left = Number(times); left > 0; ) {
    const lock = await tryAcquireNpuLock(join(folder, 'npu', 'lock'));
    if (!(lock instanceof FileLock)) {
      await delay(1 + Math.random() * 10);
      continue;
    }
    const marker = join(folder, `inside.${process.pid}`);
    writeFileSync(marker, '');
    const others = readdirSync(folder).filter((name) => name.startsWith('inside.') && isRunning(name));
    process.stdout.write(others.length === 1 ? 'alone\n' : 'TOGETHER\n');
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
    unlinkSync(marker);
    await lock.release();
  }
}

/** A killed process leaves its marker, and is a zombie until its parent has waited for it. */
function isRunning(marker: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${marker.slice('inside.'.length)}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

void main();
