import { dirname } from 'node:path';
import { errorBody, SmolvlmError } from '../../errors';
import { englishText, type FindingPhrase, phrase } from '../../protocol/findings/finding-phrase';
import { FileLock, type FileLockOptions, type LockHolder } from '../../system/lock/file-lock';
import { readSettings } from '../../system/settings';
import { recordNpuCrash } from './npu-crash-log';
import { NpuLockFolder } from './npu-lock-folder';

/**
 * The lock of this machine's NPU. One place for all users: two clients at once have made drivers fail and
 * boards hang. Processes with another /tmp (containers, systemd's PrivateTmp) need a shared folder and
 * `SMOLVLM_NPU_LOCK`.
 */
export function npuLockPath(): string {
  return readSettings().npu.lockPath;
}

/**
 * Takes the NPU for this process, if no other process has it.
 * @returns the lock, to be released, or who holds it @throws SmolvlmError `npu-lock-folder`
 */
export async function tryAcquireNpuLock(path = npuLockPath()): Promise<FileLock | LockHolder> {
  return inLockFolder(path, (lockPath, options) => FileLock.tryAcquire(lockPath, options));
}

/** Waits until the NPU is this process's. @throws SmolvlmError `npu-lock-folder`, the signal's reason when aborted */
export async function waitForNpuLock(options: FileLockOptions = {}, path = npuLockPath()): Promise<FileLock> {
  return inLockFolder(path, (lockPath, more) => FileLock.acquire(lockPath, { ...options, ...more }));
}

/** The error of a process that does not wait until the NPU is free. */
export function npuBusy(holder: LockHolder): SmolvlmError {
  return new SmolvlmError('npu-busy', `the NPU is held by ${describeHolder(holder)}`, {
    hint: 'One process at a time can use it: stop that one, wait for it, or caption on the CPU.',
  });
}

/** e.g. `process 812 (node main.js serve) since 2026-03-01T10:00:00.000Z`. */
export function describeHolder(holder: LockHolder): string {
  return englishText(holderPhrase(holder));
}

export function holderPhrase({ pid, command, since }: LockHolder): FindingPhrase {
  return phrase('npuHolder', { pid, command, since });
}

/** Keeps the lock's folder open until the lock is released, or is not got. */
async function inLockFolder<T extends FileLock | LockHolder>(
  path: string,
  acquire: (lockPath: string, options: Pick<FileLockOptions, 'onDead' | 'onRelease'>) => Promise<T>,
): Promise<T> {
  const folder = NpuLockFolder.open(path);
  let lock: T | undefined;
  try {
    lock = await acquire(folder.lockPath, {
      onDead: (holder, seenAtMs) => recordNpuCrash(folder.lockPath, holder, seenAtMs),
      onRelease: () => folder.close(),
    });
    return lock;
  } catch (error) {
    throw lockError(error, path, folder);
  } finally {
    if (!(lock instanceof FileLock)) folder.close();
  }
}

/** An error about the lock's files, with the path that was configured. */
function lockError(error: unknown, path: string, { lockPath }: NpuLockFolder): unknown {
  const isFileFault = error instanceof SmolvlmError ? error.code === 'file-lock' : hasErrno(error);
  if (!isFileFault) return error;
  const message = errorBody(error).message.replaceAll(dirname(lockPath), dirname(path));
  return new SmolvlmError('npu-lock-folder', `the NPU's lock cannot be used: ${message}`, {
    hint: `Remove what is at ${path}, or set SMOLVLM_NPU_LOCK to a path in a folder that all users of the NPU can write to (mode 1777).`,
    cause: error,
  });
}

function hasErrno(error: unknown): boolean {
  return error instanceof Error && 'errno' in error;
}
