import { randomUUID } from 'node:crypto';
import { type FileHandle, link, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SmolvlmError } from '../../errors';
import { defined } from '../defined';
import { makeFolder, unusableFolder } from '../files/make-folder';
import { createFile, readSmallFile, removeFile } from '../files/shared-files';
import { isGone, type LockHolder, parseLockHolder, thisProcess, unknownHolder } from './lock-holder';

export type { LockHolder };

export interface FileLockOptions {
  readonly signal?: AbortSignal;
  /** Called once when another process holds the lock. */
  readonly onWait?: (pid: number, holder: LockHolder) => void;
  /** Called when a process ended with the lock in its hands. @param seenAtMs when it last renewed the lock */
  readonly onDead?: (holder: LockHolder, seenAtMs: number) => void | Promise<void>;
  /** Called when the lock is released. */
  readonly onRelease?: () => void;
}

const pollMs = 200;
const heartbeatMs = 5_000;

/** Locks of dead processes that this user may not remove; more are an attack or a fault. */
const mostPlaces = 64;

/** Tokens of this thread's own locks: they are held however late their heartbeat is. */
const heldHere = new Set<string>();

interface FoundLock {
  readonly holder: LockHolder;
  /** When the holder last renewed it. */
  readonly seenAtMs: number;
}

/**
 * A lock between processes: a file that names its holder, made by a hard link. The lock of a process that has ended is
 * removed and taken over. Where only its owner may remove it (another user's, in a folder with the sticky bit),
 * the lock is at the next place instead: `PATH.2`, `PATH.3`. A process holds the lock once its own file is at a
 * place and no living process has one at any other.
 */
export class FileLock implements AsyncDisposable {
  readonly #place: string;
  readonly #file: FileHandle;
  readonly #onRelease: (() => void) | undefined;
  readonly #heartbeat: NodeJS.Timeout;
  #released = false;

  private constructor(
    place: string,
    readonly holder: LockHolder,
    file: FileHandle,
    onRelease?: () => void,
  ) {
    this.#place = place;
    this.#file = file;
    this.#onRelease = onRelease;
    heldHere.add(holder.token);
    this.#heartbeat = setInterval(() => {
      void file.utimes(new Date(), new Date()).catch(() => undefined);
    }, heartbeatMs);
    this.#heartbeat.unref();
  }

  /** @returns the lock, or who holds it @throws SmolvlmError `file-lock` for a place that is taken by something else */
  static async tryAcquire(
    path: string,
    { onDead, onRelease }: Pick<FileLockOptions, 'onDead' | 'onRelease'> = {},
  ): Promise<FileLock | LockHolder> {
    const self = { ...thisProcess(), token: randomUUID(), since: new Date().toISOString() };
    // A hard link appears with its content or not at all, unlike a file that is opened and then written.
    const draft = `${path}.${self.token}`;
    // Everyone who shares the lock must be able to read who holds it.
    const file = await createFile(draft, JSON.stringify(self), 0o644);
    let lock: FileLock | undefined;
    try {
      const taken = await takePlace(path, draft, onDead);
      if (typeof taken !== 'string') return taken;
      const rival = await livingHolder(path, taken).catch(async (error: unknown) => {
        await removeOwn(taken, self);
        throw error;
      });
      if (rival) {
        await removeOwn(taken, self);
        return rival;
      }
      lock = new FileLock(taken, self, file, onRelease);
      return lock;
    } finally {
      await removeFile(draft);
      if (!lock) await file.close();
    }
  }

  /** Waits until the lock is free. @throws the signal's reason when aborted while waiting */
  static async acquire(path: string, options: FileLockOptions = {}): Promise<FileLock> {
    const { signal, onWait } = options;
    for (let told = false; ; told = true) {
      signal?.throwIfAborted();
      const lock = await FileLock.tryAcquire(path, options);
      if (lock instanceof FileLock) return lock;
      if (!told) onWait?.(lock.pid, lock);
      await sleep(pollMs, undefined, defined({ signal })).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
    }
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#heartbeat);
    heldHere.delete(this.holder.token);
    await removeOwn(this.#place, this.holder);
    await this.#file.close();
    this.#onRelease?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/**
 * Runs `work` while no other process does so under the same path; waits until it is free.
 * @throws SmolvlmError `folder-unusable`, `folder-read-only`; the signal's reason when aborted while waiting
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  await makeFolder(dirname(path));
  const lock = await FileLock.acquire(path, options).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw unusableFolder(`no file can be made in ${dirname(path)}`, error);
  });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Links the draft to the first free place. @returns the place, or the living process that holds an earlier one */
async function takePlace(
  path: string,
  draft: string,
  onDead: FileLockOptions['onDead'],
): Promise<string | LockHolder> {
  let number = 1;
  while (number <= mostPlaces) {
    const place = number === 1 ? path : `${path}.${number}`;
    if (await tryLink(draft, place)) return place;
    const found = await readLock(place);
    if (!found) continue;
    if (!isAbandoned(found)) return found.holder;
    const removal = await removeDead(place, found.holder, draft);
    if (removal === 'retry') continue;
    await onDead?.(found.holder, found.seenAtMs);
    if (removal === 'denied') number++;
  }
  throw new SmolvlmError('file-lock', `${mostPlaces} locks of ended processes are at ${path}`, {
    hint: 'They belong to other users: these users or root must remove them.',
  });
}

/** A process that holds the lock at another place than `own`. */
async function livingHolder(path: string, own: string): Promise<LockHolder | undefined> {
  const name = basename(path);
  for (const each of await readdir(dirname(path))) {
    const place = join(dirname(path), each);
    if (isDraftName(each, name)) await removeDeadDraft(place);
    if (place === own || !isLockName(each, name)) continue;
    const found = await readLock(place);
    if (found && !isAbandoned(found)) return found.holder;
  }
  return undefined;
}

/** Whether a file's name is that of a lock before it is linked to its place: see `tryAcquire`. */
function isDraftName(file: string, name: string): boolean {
  return (
    file.startsWith(`${name}.`) &&
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(file.slice(name.length + 1))
  );
}

/** Removes the draft of a process that was killed between making and removing it. */
async function removeDeadDraft(path: string): Promise<void> {
  const found = await readLock(path).catch(() => undefined);
  // One that is being written does not name its holder yet.
  if (found && found.holder !== unknownHolder && isAbandoned(found)) await tryRemove(path);
}

/** Whether a file's name is that of a lock `name` at its first place or a later one. */
export function isLockName(file: string, name: string): boolean {
  return file === name || (file.startsWith(`${name}.`) && /^[1-9]\d?$/.test(file.slice(name.length + 1)));
}

/**
 * Removes a dead holder's lock. Only one process at a time may do so, or the second could remove the lock
 * that the first has just got.
 * @param draft this process's own lock file @returns `denied` where only another user may remove it
 */
async function removeDead(
  place: string,
  dead: LockHolder,
  draft: string,
): Promise<'removed' | 'denied' | 'retry'> {
  const guard = `${place}.takeover`;
  if (!(await tryLink(draft, guard))) {
    const found = await readLock(guard);
    const removable = !found || !isAbandoned(found) || (await tryRemove(guard));
    if (!removable) return 'denied';
    await sleep(pollMs);
    return 'retry';
  }
  try {
    if ((await readLock(place))?.holder.token !== dead.token) return 'retry';
    return (await tryRemove(place)) ? 'removed' : 'denied';
  } finally {
    await removeFile(guard);
  }
}

function isAbandoned({ holder, seenAtMs }: FoundLock): boolean {
  return !heldHere.has(holder.token) && isGone(holder, seenAtMs);
}

/** @returns false when the name is taken */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns false when this user may not remove it */
async function tryRemove(path: string): Promise<boolean> {
  try {
    await removeFile(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM' || code === 'EACCES') return false;
    throw error;
  }
}

/** Removes a lock unless it is another process's by now. */
async function removeOwn(place: string, { token }: LockHolder): Promise<void> {
  const found = await readLock(place).catch(() => undefined);
  if (found?.holder.token === token) await removeFile(place);
}

/** @returns undefined when there is no lock */
async function readLock(path: string): Promise<FoundLock | undefined> {
  const file = await readSmallFile(path);
  return file && { holder: parseLockHolder(file.text) ?? unknownHolder, seenAtMs: file.modifiedMs };
}
