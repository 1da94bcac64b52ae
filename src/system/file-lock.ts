import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { chmod, link, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject } from './json-fields';

/** Who holds a lock. */
export interface LockHolder {
  /** Host name and process namespace: process ids mean something to those who share both. */
  readonly host: string;
  readonly pid: number;
  /** Tells a process from a later one with the same number. */
  readonly started: string;
  readonly token: string;
  /** Program and first argument, e.g. `node main.js serve`. */
  readonly command: string;
  /** When it got the lock, ISO 8601. */
  readonly since: string;
}

export interface FileLockOptions {
  readonly signal?: AbortSignal;
  /** Called once when another process holds the lock. */
  readonly onWait?: (pid: number, holder: LockHolder) => void;
  /** Called when the lock was that of a process that died with it. */
  readonly onDead?: (holder: LockHolder) => void;
}

const pollMs = 200;
const heartbeatMs = 5_000;
/** A holder that cannot be looked at (another machine, another container) is gone when silent for this long. */
const silentMs = 60_000;

/** A lock between processes: a file that names its holder. The lock of a process that died is taken over. */
export class FileLock implements AsyncDisposable {
  readonly #path: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(
    path: string,
    readonly holder: LockHolder,
  ) {
    this.#path = path;
    this.#heartbeat = setInterval(() => {
      void utimes(path, new Date(), new Date()).catch(() => undefined);
    }, heartbeatMs);
    this.#heartbeat.unref();
  }

  /** @returns the lock, or who holds it */
  static async tryAcquire(
    path: string,
    { onDead }: Pick<FileLockOptions, 'onDead'> = {},
  ): Promise<FileLock | LockHolder> {
    for (;;) {
      const self = { ...thisProcess(), token: randomUUID(), since: new Date().toISOString() };
      if (await tryCreate(path, self)) return new FileLock(path, self);
      const holder = await readHolder(path);
      if (holder && (await isGone(path, holder))) {
        if (await takeAway(path, holder, self)) onDead?.(holder);
      } else if (holder) return holder;
    }
  }

  /** Waits its turn. @throws the signal's reason when aborted while waiting */
  static async acquire(path: string, options: FileLockOptions = {}): Promise<FileLock> {
    const { signal, onWait } = options;
    for (let told = false; ; told = true) {
      signal?.throwIfAborted();
      const lock = await FileLock.tryAcquire(path, options);
      if (lock instanceof FileLock) return lock;
      if (!told) onWait?.(lock.pid, lock);
      await sleep(pollMs, undefined, signal ? { signal } : {}).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#heartbeat);
    if ((await readHolder(this.#path))?.token === this.holder.token) await rm(this.#path, { force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/**
 * Runs `work` while no other process does so under the same path; waits its turn.
 * @throws the signal's reason when aborted while waiting
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const lock = await FileLock.acquire(path, options);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function thisProcess(): Pick<LockHolder, 'host' | 'pid' | 'started' | 'command'> {
  const [program = '', script = '', argument = ''] = commandLine();
  const command = [basename(program), basename(script), argument].join(' ').trim();
  return { host: hostName(), pid: process.pid, started: startTime(process.pid) ?? '', command };
}

/** Options of node whose value is an argument of its own, such as a program's text. */
const valueOption = /^(-e|--eval|-p|--print|-pe|-r|--require|--import|-C|--conditions)$/;

/** Of the process, also on its threads; options of node itself left out. */
function commandLine(): readonly string[] {
  try {
    const [program = '', ...rest] = readFileSync('/proc/self/cmdline', 'utf8').split('\0');
    const script = rest.findIndex(
      (argument, index) => !argument.startsWith('-') && !valueOption.test(rest[index - 1] ?? ''),
    );
    return [program, ...(script < 0 ? [] : rest.slice(script))];
  } catch {
    return process.argv;
  }
}

/** A hard link appears with its content or not at all, unlike a file that is opened and then written. */
async function tryCreate(path: string, self: LockHolder): Promise<boolean> {
  const temporary = `${path}.${self.token}`;
  await writeFile(temporary, JSON.stringify(self));
  // Whoever shares the lock must be able to read who holds it, whatever this process's umask.
  await chmod(temporary, 0o644);
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
 * @returns whether this process removed it
 */
async function takeAway(path: string, dead: LockHolder, self: LockHolder): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await tryCreate(guard, self))) {
    const holder = await readHolder(guard);
    if (holder && (await isGone(guard, holder))) await rm(guard, { force: true });
    await sleep(pollMs);
    return false;
  }
  try {
    if ((await readHolder(path))?.token !== dead.token) return false;
    await rm(path, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

/** What a power cut may leave: a lock file without its content. */
const nobody: LockHolder = { host: '', pid: 0, started: '', token: '', command: 'unknown', since: '' };

/** @returns undefined when there is no lock */
async function readHolder(path: string): Promise<LockHolder | undefined> {
  try {
    return parseLockHolder(await readFile(path, 'utf8')) ?? nobody;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The content of a lock file. @returns undefined when it is none */
export function parseLockHolder(text: string): LockHolder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || typeof value.pid !== 'number' || typeof value.host !== 'string')
    return undefined;
  const word = (key: string): string => String(value[key] ?? '');
  const { pid, host } = value;
  const [started, token, command, since] = [word('started'), word('token'), word('command'), word('since')];
  return { host, pid, started, token, command, since };
}

async function isGone(path: string, holder: LockHolder): Promise<boolean> {
  if (holder.host === hostName()) return !isRunning(holder);
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > silentMs;
}

function isRunning({ pid, started }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startTime(pid);
  return now === undefined || now === started;
}

/** @returns undefined where processes cannot be looked at: no /proc, or another user's with `hidepid` */
function startTime(pid: number): string | undefined {
  try {
    return startTimeOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Ticks since boot at which a process started, from its `/proc/PID/stat` (proc(5), field 22); '' for one
 * that has ended and was not waited for by its parent.
 */
export function startTimeOf(stat: string): string {
  // The command's name, in parentheses, may hold blanks; the fields after it are counted from the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
}

/** Two containers may have one name, and count their processes apart. */
function hostName(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
