import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const lockModule = require.resolve('../../../src/platform/npu/npu-lock');

/**
 * A process that takes the NPU's lock at a path, says so, and holds it until its input ends.
 * @param uid of the user it runs as, default: this one; only root may choose
 */
export async function holdNpuLock(path: string, uid?: number): Promise<ChildProcess> {
  const program = `const { waitForNpuLock } = require(${JSON.stringify(lockModule)});
  ${uid === undefined ? '' : `process.setuid(${uid});`}
  waitForNpuLock().then((lock) => {
    process.stdout.write('held');
    process.stdin.once('end', () => lock.release()).resume();
  });`;
  const child = spawn(process.execPath, ['-e', program], {
    env: { ...process.env, SMOLVLM_NPU_LOCK: path },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}
