import { FileLock, type FileLockOptions } from '../../system/file-lock';
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
/** Holds are taken and given back one at a time. */
let turn: Promise<unknown> = Promise.resolve();

/** This process's hold on the machine's NPU: its models share one, other processes are kept off. */
export class SharedNpuLock {
  #path: string | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws SmolvlmError `npu-busy` naming the other process, `npu-lock-folder`; the signal's reason when aborted */
  static async take(options: SharedNpuLockOptions = {}): Promise<SharedNpuLock> {
    const path = options.lockPath ?? npuLockPath();
    // Waiting is done outside the turn: others of this process may give back or share meanwhile.
    for (;;) {
      const held = await inTurn(async () => {
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
    await inTurn(async () => {
      const mine = shared.get(path);
      if (!mine || --mine.users > 0) return;
      shared.delete(path);
      await mine.lock.release();
    });
  }
}

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work);
  turn = result.catch(() => undefined);
  return result;
}
