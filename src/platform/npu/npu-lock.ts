import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { SmolvlmError } from '../../errors';
import { FileLock, type FileLockOptions, type LockHolder } from '../../system/file-lock';
import { readSettings } from '../../system/settings';
import { recordNpuCrash } from './npu-crash-log';

/**
 * The lock of this machine's NPU. One place for all users: two clients at once have made drivers fail and
 * boards hang. Processes with another /tmp (containers, systemd's PrivateTmp) need a shared folder and
 * `SMOLVLM_NPU_LOCK`.
 */
export function npuLockPath(): string {
  return readSettings().npu.lockPath;
}

/**
 * Takes the NPU for this process, if nobody has it.
 * @returns the lock, to be released, or who holds it @throws SmolvlmError `npu-lock-folder`
 */
export async function tryAcquireNpuLock(path = npuLockPath()): Promise<FileLock | LockHolder> {
  makeSharedFolder(dirname(path));
  return await FileLock.tryAcquire(path, { onDead: (holder) => recordNpuCrash(path, holder) });
}

/** Waits until the NPU is this process's. @throws SmolvlmError `npu-lock-folder`, the signal's reason when aborted */
export async function waitForNpuLock(options: FileLockOptions = {}, path = npuLockPath()): Promise<FileLock> {
  makeSharedFolder(dirname(path));
  return await FileLock.acquire(path, { onDead: (holder) => recordNpuCrash(path, holder), ...options });
}

/** The error of a process that does not wait for its turn. */
export function npuBusy(holder: LockHolder): SmolvlmError {
  return new SmolvlmError('npu-busy', `the NPU is held by ${describeHolder(holder)}`, {
    hint: 'One process at a time can use it: stop that one, wait for it, or caption on the CPU.',
  });
}

/** e.g. `process 812 (node main.js serve) since 2026-03-01T10:00:00.000Z`. */
export function describeHolder({ pid, command, since }: LockHolder): string {
  return `process ${pid} (${command}) since ${since}`;
}

/**
 * A folder that every user may write to, and without /tmp's sticky bit: whoever comes next must be able to
 * take away the lock of another user's dead process.
 */
function makeSharedFolder(folder: string): void {
  const hint = 'Set SMOLVLM_NPU_LOCK to a path in a folder that all users of the NPU can write to.';
  try {
    if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o777);
    if (lstatSync(folder).isDirectory()) return;
  } catch (cause) {
    throw new SmolvlmError('npu-lock-folder', `the folder ${folder} cannot be made: ${String(cause)}`, {
      hint,
      cause,
    });
  }
  throw new SmolvlmError('npu-lock-folder', `expected a folder at ${folder}, found something else`, { hint });
}
