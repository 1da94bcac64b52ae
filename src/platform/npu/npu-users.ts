import { posix } from 'node:path';
import { defined } from '../../system/defined';
import { isLockName } from '../../system/lock/file-lock';
import { type LockHolder, parseLockHolder, startTimeOf } from '../../system/lock/lock-holder';
import { readSettings } from '../../system/settings';
import type { SystemFiles } from '../recording/system-files';

/** Programs that are known to use the NPU. `rkllm`: a server of the vendor's language model runtime. */
export type NpuProgram = 'frigate' | 'rkllm';

/** A process that has an NPU device node open. */
export interface NpuUser {
  readonly pid: number;
  /** Program and first argument, e.g. `python3 frigate`; else the process's name. */
  readonly command: string;
  readonly program?: NpuProgram;
  /** Known by its name alone: only root can read its open files. */
  readonly likely?: true;
}

export interface NpuUsers {
  /** The running process that holds this package's lock. */
  readonly holder?: LockHolder;
  /** Processes with one of the NPU's nodes among their open files. */
  readonly users: readonly NpuUser[];
  /** Processes of other users, whose open files only root can read. */
  readonly hidden: number;
  /** Processes of other users are not even listed (mount option hidepid of /proc). */
  readonly othersInvisible?: true;
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
      // The name of a process can be read by everyone.
      const program = nodes.length > 0 ? namedProgram(files, pid) : undefined;
      if (program) users.push({ pid: Number(pid), command: commandOf(files, pid), program, likely: true });
      continue;
    }
    const open = files.names(folder).some((fd) => nodes.includes(files.link(`${folder}/${fd}`) ?? ''));
    if (!open || files.match(`/proc/${pid}/cmdline`, displayProgram)) continue;
    const command = commandOf(files, pid);
    const program = namedProgram(files, pid) ?? mappedProgram(files, pid);
    users.push({ pid: Number(pid), command, ...defined({ program }) });
  }
  const othersInvisible = files.match('/proc/self/mountinfo', hidesProcesses) ? (true as const) : undefined;
  return { ...defined({ holder, othersInvisible }), users, hidden };
}

/** A line of mountinfo. systemd's ProtectProc= sets the option for one service. */
const hidesProcesses = /^\d+ \d+ \S+ \S+ \/proc .* - proc .*\bhidepid=(?:[24]|invisible|ptraceable)\b/m;

/** Xorg, compositors and the login manager keep every card open, also one without a display; they compute nothing on it. */
const displayProgram =
  /^(?:[^\0]*\/)?(?:X|Xorg|gnome-shell|kwin_wayland|weston|sway|labwc|wayfire|seatd|elogind|systemd-logind|plymouthd)(?=\0|$)/;

/** Program and first argument, or Python's module; other options are left out, because they may contain secrets. */
const shownWords = '[^\\0]+(?:(?:\\0-[a-zA-Z]+)*\\0-m\\0[^\\0]+|\\0[^\\0-][^\\0]*)?';

/**
 * How programs name themselves that use the NPU. Frigate names each detector after its key in the configuration; those of
 * other devices (Coral, OpenVINO) do not use the NPU. A recording keeps what is matched: the words that are shown.
 */
const knownNames: readonly (readonly [program: NpuProgram, line: RegExp])[] = [
  [
    'frigate',
    new RegExp(
      `^(?=frigate\\.detector(?![^\\0]*(?:coral|tpu|openvino|ov|cpu|onnx|hailo|tensorrt)))${shownWords}`,
      'i',
    ),
  ],
  [
    'rkllm',
    new RegExp(`^(?=[^\\0]*(?:\\0-[a-zA-Z]+)*(?:\\0[^\\0]*)?(?:rkllama|rkllm|llm_demo))${shownWords}`, 'i'),
  ],
];

function namedProgram(files: SystemFiles, pid: string): NpuProgram | undefined {
  return knownNames.find(([, line]) => files.match(`/proc/${pid}/cmdline`, line) !== undefined)?.[0];
}

/** By the libraries in its memory, or by other names that Frigate's processes have. */
function mappedProgram(files: SystemFiles, pid: string): NpuProgram | undefined {
  if (files.match(`/proc/${pid}/maps`, /librkllmrt\.so/)) return 'rkllm';
  const isFrigate = ['cmdline', 'comm'].some((file) => files.match(`/proc/${pid}/${file}`, /frigate/i));
  return isFrigate ? 'frigate' : undefined;
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

function commandOf(files: SystemFiles, pid: string): string {
  const line = files.match(`/proc/${pid}/cmdline`, new RegExp(`^${shownWords}`))?.[0] ?? '';
  const [program = '', ...words] = line.split('\0').map((word) => posix.basename(word));
  if (words.length > 0) return [program, ...words].join(' ');
  const name = files.text(`/proc/${pid}/comm`) ?? program;
  // The kernel cuts a name to 15 characters; the program may have written the whole one.
  return name.length === 15 && program.startsWith(name) ? program : name;
}
