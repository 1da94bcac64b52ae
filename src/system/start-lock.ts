import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** A lock file naming the process that holds it; one whose holder died is taken over. */
export class StartLock implements Disposable {
  private constructor(
    private readonly path: string,
    private readonly content: string,
  ) {}

  /** @returns undefined while another living process holds it */
  static tryAcquire(path: string): StartLock | undefined {
    const content = JSON.stringify({ pid: process.pid, born: bornAt(process.pid), nonce: randomUUID() });
    // A lock is made whole beside its place and linked there, so that nobody reads half of one.
    const draft = `${path}.${process.pid}.${randomUUID()}`;
    writeFileSync(draft, content, { mode: 0o600 });
    try {
      if (link(draft, path)) return new StartLock(path, content);
      const holder = read(path);
      if (holder !== undefined && isAlive(holder)) return undefined;
      if (holder !== undefined) breakLock(path, holder);
      return link(draft, path) ? new StartLock(path, content) : undefined;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  release(): void {
    if (read(this.path) === this.content) rmSync(this.path, { force: true });
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Moves a dead holder's lock away; should another process have been quicker, its fresh lock is put back. */
function breakLock(path: string, holder: string): void {
  const aside = `${path}.${process.pid}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if (read(aside) !== holder) link(aside, path);
  rmSync(aside, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isAlive(holder: string): boolean {
  let pid: unknown;
  let born: unknown;
  try {
    ({ pid, born } = JSON.parse(holder));
  } catch {
    return false;
  }
  if (typeof pid !== 'number') return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
  return born === bornAt(pid);
}

/** Start time in clock ticks since boot (field 22 of /proc/PID/stat), which tells a reused pid; empty elsewhere. */
function bornAt(pid: number): string {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
