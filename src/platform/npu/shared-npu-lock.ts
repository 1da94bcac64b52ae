import { Mutex } from '../../system/async/mutex';
import { FileLock, type FileLockOptions } from '../../system/lock/file-lock';
import { npuBusy, npuLockPath, tryAcquireNpuLock, waitForNpuLock } from './npu-lock';

export interface SharedNpuLockOptions extends Pick<FileLockOptions, 'signal' | 'onWait'> {
  /** When another process holds the NPU: wait for it, or fail with `npu-busy` (default). */
  readonly whenBusy?: 'wait' | 'fail';
  /** Default: `npuLockPath()`. */
  readonly lockPath?: string;
}

interface Shared {
  readonly lock: FileLock;
  users: number;
}

const shared = new Map<string, Shared>();
/** Taking and releasing are done one at a time. */
const mutex = new Mutex();

/** This process's lock of the machine's NPU: its models share it, other processes wait. */
export class SharedNpuLock {
  #path: string | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws SmolvlmError `npu-busy` naming the other process, `npu-lock-folder`; the signal's reason when aborted */
  static async take(options: SharedNpuLockOptions = {}): Promise<SharedNpuLock> {
    const path = options.lockPath ?? npuLockPath();
    // It waits outside of the mutex: meanwhile this process's other models may take or release the lock.
    for (;;) {
      const held = await mutex.run(async () => {
        const mine = shared.get(path);
        if (mine) mine.users++;
        if (mine) return true;
        const lock = await tryAcquireNpuLock(path);
        if (!(lock instanceof FileLock)) return lock;
        shared.set(path, { lock, users: 1 });
        return true;
      });
      if (held === true) return new SharedNpuLock(path);
      if (options.whenBusy !== 'wait') throw npuBusy(held);
      await (await waitForNpuLock(options, path)).release();
    }
  }

  async release(): Promise<void> {
    const path = this.#path;
    if (path === undefined) return;
    this.#path = undefined;
    await mutex.run(async () => {
      const mine = shared.get(path);
      if (!mine || --mine.users > 0) return;
      shared.delete(path);
      await mine.lock.release();
    });
  }
}
