import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readSmallFile, replaceFile } from '../../system/files/shared-files';
import { isJsonObject } from '../../system/json/json-fields';
import type { LockHolder } from '../../system/lock/lock-holder';
import { NpuLockFolder } from './npu-lock-folder';

/** A process that ended while it held the NPU: a fault of the vendor library, a hang that was ended, a kill. */
export interface NpuCrash {
  /** When it was last known to run, ISO 8601. */
  readonly at: string;
  readonly pid: number;
  readonly command: string;
  /** Of its lock: a crash is noted once, however many processes find the lock. */
  readonly token: string;
}

/** Older ones say nothing about the NPU's state. */
const rememberedMs = 60 * 60_000;
const remembered = 20;
const mostLogs = 64;

/** The crashes of the last hour, oldest first, as all users of the NPU have noted them. */
export async function recentNpuCrashes(lockPath: string, now = Date.now()): Promise<readonly NpuCrash[]> {
  try {
    using folder = NpuLockFolder.open(lockPath);
    return await readCrashes(folder.lockPath, now);
  } catch {
    return [];
  }
}

/**
 * Notes a crash beside the lock, so that the next process that uses the NPU is told, whatever its user. That it
 * cannot be noted must not keep the NPU from being used.
 * @param lockPath in the open folder @param seenAtMs when the process last renewed its lock
 */
export async function recordNpuCrash(
  lockPath: string,
  { pid, command, token }: LockHolder,
  seenAtMs: number,
): Promise<void> {
  try {
    const all = await readCrashes(lockPath, Date.now());
    if (all.some((crash) => crash.token === token)) return;
    const crashes = [...all, { at: new Date(seenAtMs).toISOString(), pid, command, token }];
    const text = JSON.stringify(crashes.slice(-remembered));
    await replaceFile(logPath(lockPath, process.getuid?.() ?? 0), text, 0o644, randomUUID());
  } catch {
    // A folder that cannot be written to: see above.
  }
}

/** A log for each user: in a folder with the sticky bit only its owner can replace a file. */
function logPath(lockPath: string, uid: number): string {
  return `${lockPath}.crashes.${uid}`;
}

async function readCrashes(lockPath: string, now: number): Promise<readonly NpuCrash[]> {
  const prefix = `${basename(lockPath)}.crashes.`;
  const logs = (await readdir(dirname(lockPath))).filter((name) => name.startsWith(prefix));
  const crashes = new Map<string, NpuCrash>();
  for (const name of logs.slice(0, mostLogs)) {
    const log = await readSmallFile(join(dirname(lockPath), name)).catch(() => undefined);
    // A log in another user's name is not that user's.
    if (!log || name !== prefix + log.uid) continue;
    for (const crash of parseCrashes(log.text)) {
      const ageMs = now - Date.parse(crash.at);
      if (ageMs >= 0 && ageMs < rememberedMs) crashes.set(crash.token, crash);
    }
  }
  return [...crashes.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(-remembered);
}

function parseCrashes(text: string): readonly NpuCrash[] {
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? found.filter(isCrash) : [];
  } catch {
    return [];
  }
}

function isCrash(value: unknown): value is NpuCrash {
  return (
    isJsonObject(value) &&
    typeof value.pid === 'number' &&
    ['at', 'command', 'token'].every((key) => typeof value[key] === 'string')
  );
}
