import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorBody, SmolvlmError } from '../../errors';
import { makeFolderSync } from '../../system/files/make-folder';
import { isOwn } from '../../system/files/shared-files';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** All users may make files in it; only a file's owner may remove it. */
const sharedMode = 0o1777;

/**
 * The folder of the NPU's lock, held open: its owner may rename it or put a link in its place meanwhile, and
 * files are still made in the folder that was checked.
 */
export class NpuLockFolder implements Disposable {
  #fd: number | undefined;
  /** The lock's path inside the open folder. */
  readonly lockPath: string;

  private constructor(fd: number, path: string) {
    this.#fd = fd;
    const inside = process.platform === 'linux' ? `/proc/self/fd/${fd}` : dirname(path);
    this.lockPath = join(inside, basename(path));
  }

  /**
   * Opens the folder of a lock; one that is missing is made, for all users.
   * @param path of the lock @throws SmolvlmError `npu-lock-folder` for a link, or a folder that is not safe to share
   */
  static open(path: string): NpuLockFolder {
    const folder = dirname(path);
    const made = make(folder);
    let fd: number;
    try {
      fd = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } catch (cause) {
      const found = (cause as NodeJS.ErrnoException).code;
      if (found !== 'ELOOP' && found !== 'ENOTDIR') throw unusable(folder, cause);
      throw refused(`expected a folder at ${folder}, found a link or a file`, cause);
    }
    try {
      // Only a folder that this call made is changed; the umask does not apply to fchmod.
      if (made && isOwn(fstatSync(fd))) fchmodSync(fd, sharedMode);
      else checkFound(folder, fd);
      return new NpuLockFolder(fd, path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @returns whether the folder was not there before */
function make(folder: string): boolean {
  try {
    makeFolderSync(dirname(folder));
    mkdirSync(folder);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw unusable(folder, cause);
  }
}

function checkFound(folder: string, fd: number): void {
  let stat = fstatSync(fd);
  if (!isShared(stat) && !isOwn(stat)) {
    // Another user's process may have made it just now, and be about to open it for all.
    pause();
    stat = fstatSync(fd);
  }
  const sticky = (stat.mode & 0o1000) !== 0;
  if (isShared(stat) && !sticky) {
    throw refused(
      `every user can remove the files of others in ${folder}`,
      undefined,
      `chmod 1777 ${folder}${isOwn(stat) ? '' : ' as its owner or root'}`,
    );
  }
  if (!isShared(stat) && !isOwn(stat) && stat.uid !== 0) {
    throw refused(`${folder} is another user's own folder`, undefined, `chmod 1777 ${folder} as that user`);
  }
}

/** Whether every user may make files in it. */
function isShared({ mode }: Stats): boolean {
  return (mode & 0o002) !== 0;
}

/** Blocks the thread for a moment. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
}

function unusable(folder: string, cause: unknown): SmolvlmError {
  return refused(`the folder ${folder} cannot be made or opened: ${errorBody(cause).message}`, cause);
}

function refused(message: string, cause?: unknown, remedy?: string): SmolvlmError {
  return new SmolvlmError('npu-lock-folder', message, {
    hint: `${remedy === undefined ? '' : `Run ${remedy}, or remove it. `}Or set SMOLVLM_NPU_LOCK to a path in a folder that all users of the NPU can write to (mode 1777).`,
    cause,
  });
}
