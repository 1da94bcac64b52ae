import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { LockHolder } from '../../system/file-lock';

/** A process that ended with the NPU in its hands: a fault of the vendor library, a hang that was ended, a kill. */
export interface NpuCrash {
  /** When it was noticed, ISO 8601. */
  readonly at: string;
  readonly pid: number;
  readonly command: string;
}

/** Older ones say nothing about the NPU of now. */
const rememberedMs = 60 * 60_000;
const remembered = 20;

/** Beside the lock, so that whoever uses the NPU next knows, whatever user or program it is. */
function npuDeathsPath(lockPath: string): string {
  return `${lockPath}.deaths`;
}

/** The deaths of the last hour, oldest first. */
export function recentNpuCrashes(lockPath: string, now = Date.now()): readonly NpuCrash[] {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(npuDeathsPath(lockPath), 'utf8'));
  } catch {
    return [];
  }
  if (!Array.isArray(found)) return [];
  return found.filter((death): death is NpuCrash => {
    const age = now - Date.parse((death as Partial<NpuCrash> | null)?.at ?? '');
    return age >= 0 && age < rememberedMs;
  });
}

/** Notes a death; that it cannot be noted must not keep the NPU from being used. */
export function recordNpuCrash(lockPath: string, { pid, command }: LockHolder): void {
  const death = { at: new Date().toISOString(), pid, command };
  const all = [...recentNpuCrashes(lockPath), death].slice(-remembered);
  const path = npuDeathsPath(lockPath);
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, JSON.stringify(all));
    chmodSync(temporary, 0o666);
    renameSync(temporary, path);
  } catch {
    // A folder that cannot be written to: see above.
  }
}
