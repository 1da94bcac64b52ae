import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Who holds a lock. The start time tells a process from a later one with the same number. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly started: string;
  readonly token: string;
}

export interface FileLockOptions {
  readonly signal?: AbortSignal;
  /** Called once when another process holds the lock. */
  readonly onWait?: (pid: number) => void;
}

const pollMs = 200;
const heartbeatMs = 5_000;
/** A holder on another machine (or in another container) that gave no sign for this long is gone. */
const silentMs = 60_000;

/**
 * Runs `work` while no other process does so under the same path; waits its turn. The lock of a process
 * that died is taken over.
 * @throws the signal's reason when aborted while waiting
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  const self: Holder = {
    host: hostname(),
    pid: process.pid,
    started: startTime(process.pid),
    token: randomUUID(),
  };
  await mkdir(dirname(path), { recursive: true });
  await acquire(path, self, options);
  const heartbeat = setInterval(() => {
    void utimes(path, new Date(), new Date()).catch(() => undefined);
  }, heartbeatMs);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

async function acquire(path: string, self: Holder, { signal, onWait }: FileLockOptions): Promise<void> {
  let told = false;
  while (!(await tryCreate(path, self))) {
    signal?.throwIfAborted();
    const holder = await readHolder(path);
    if (holder && (await isGone(path, holder))) {
      await takeAway(path, holder, self);
      continue;
    }
    if (holder && !told) {
      told = true;
      onWait?.(holder.pid);
    }
    await sleep(pollMs, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }
}

/** A hard link appears with its content or not at all, unlike a file that is opened and then written. */
async function tryCreate(path: string, self: Holder): Promise<boolean> {
  const temporary = `${path}.${self.token}`;
  await writeFile(temporary, JSON.stringify(self));
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Removes a dead holder's lock. Only one process at a time may do so, else the second could remove the lock
 * that the first has just got.
 */
async function takeAway(path: string, dead: Holder, self: Holder): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await tryCreate(guard, self))) {
    const holder = await readHolder(guard);
    if (holder && (await isGone(guard, holder))) await rm(guard, { force: true });
    await sleep(pollMs);
    return;
  }
  try {
    if ((await readHolder(path))?.token === dead.token) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

async function isGone(path: string, holder: Holder): Promise<boolean> {
  if (holder.host === hostname()) return !isRunning(holder);
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > silentMs;
}

function isRunning({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startTime(pid) === started;
}

/** Ticks since boot at which a process started (proc(5), field 22 of stat); '' where there is no /proc. */
function startTime(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name, in parentheses, may hold blanks; the fields after it are counted from the third.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
