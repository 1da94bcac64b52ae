import { posix } from 'node:path';
import { defined } from '../../system/defined';
import { isLockName } from '../../system/lock/file-lock';
import { type LockHolder, parseLockHolder, startTimeOf } from '../../system/lock/lock-holder';
import { readSettings } from '../../system/settings';
import type { SystemFiles } from '../recording/system-files';

/** A process that has an NPU device node open. */
export interface NpuUser {
  readonly pid: number;
  /** Program and first argument, e.g. `python3 frigate`; else the process's name. */
  readonly command: string;
}

export interface NpuUsers {
  /** The running process that holds this package's lock. */
  readonly holder?: LockHolder;
  /** Processes with one of the NPU's nodes among their open files. */
  readonly users: readonly NpuUser[];
  /** Processes of other users, whose open files only root can read. */
  readonly hidden: number;
}

/** @param nodes paths of the NPU's device nodes */
export function npuUsers(files: SystemFiles, nodes: readonly string[]): NpuUsers {
  const holder = livingHolder(files);
  const users: NpuUser[] = [];
  let hidden = 0;
  for (const pid of files.names('/proc').filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`;
    if (files.denied(folder)) {
      hidden += 1;
      continue;
    }
    const open = files.names(folder).some((fd) => nodes.includes(files.link(`${folder}/${fd}`) ?? ''));
    if (open) users.push({ pid: Number(pid), command: commandOf(files, pid) });
  }
  return { ...defined({ holder }), users, hidden };
}

function livingHolder(files: SystemFiles): LockHolder | undefined {
  const path = readSettings(files.process.environment).npu.lockPath;
  const folder = posix.dirname(path);
  return files
    .names(folder)
    .filter((name) => isLockName(name, posix.basename(path)))
    .map((name) => parseLockHolder(files.match(posix.join(folder, name), lockContent)?.[0] ?? ''))
    .find((holder) => holder !== undefined && isAlive(files, holder));
}

/** A recorded machine keeps what was matched: a link to another file in place of the lock gives nothing. */
const lockContent = /^\{\s*"host"[^\n]*\}\s*$/;

function isAlive(files: SystemFiles, holder: LockHolder): boolean {
  // Process ids of another container mean nothing here: what its lock says is believed.
  const namespace = files.link('/proc/self/ns/pid');
  if (namespace !== undefined && !holder.host.endsWith(namespace)) return true;
  const stat = files.text(`/proc/${holder.pid}/stat`);
  return stat !== undefined && startTimeOf(stat) === holder.started;
}

/** Program and first argument; options are left out, because they may contain secrets. */
function commandOf(files: SystemFiles, pid: string): string {
  const line = files.match(`/proc/${pid}/cmdline`, /^[^\0]+(?:\0[^\0-][^\0]*)?/)?.[0] ?? '';
  const [program = '', argument] = line.split('\0').map((word) => posix.basename(word));
  if (argument !== undefined) return `${program} ${argument}`;
  const name = files.text(`/proc/${pid}/comm`) ?? program;
  // The kernel cuts a name to 15 characters; the program may have written the whole one.
  return name.length === 15 && program.startsWith(name) ? program : name;
}
