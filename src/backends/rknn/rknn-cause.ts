import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { containerOf } from '../../platform/container';
import { worded } from '../../platform/doctor/finding';
import { judgeDevices } from '../../platform/doctor/npu-device-check';
import { openFileLimit } from '../../platform/memory';
import { driverFault } from '../../platform/npu/driver-faults';
import { npuDevices, npuNodePaths } from '../../platform/npu/npu-devices';
import { npuDriver } from '../../platform/npu/npu-driver';
import { describeNpuUser } from '../../platform/npu/npu-neighbours';
import { npuUsers } from '../../platform/npu/npu-users';
import type { SystemFiles } from '../../platform/recording/system-files';
import { npuTarget, socOf } from '../../platform/soc';
import { englishText } from '../../protocol/findings/finding-phrase';

/** The library itself opens a few files while it loads a model. */
const spareFiles = 8;
const shownLogLines = 3;
/** How the text file begins that git-lfs leaves in place of a large file. */
const lfsPointer = 'version https://git-lfs';

/**
 * Why `rknn_init` returned -1: the file, the open files, the driver or its device, checked in this order.
 * @param path of the model @returns undefined when nothing is wrong with any of them
 */
export function initCause(files: SystemFiles, path: string): string | undefined {
  const file = fileCause(path);
  if (file !== undefined) return file;
  const limit = openFileLimit(files);
  const open = files.names('/proc/self/fd').length;
  if (limit !== undefined && open + spareFiles >= limit) {
    return `This process has ${open} of at most ${limit} files open: raise the limit (ulimit -n, systemd: LimitNOFILE=).`;
  }
  // Without an NPU the library is an emulator, which needs no driver.
  if (npuTarget(socOf(files)) === undefined) return undefined;
  const { kind } = npuDriver(files);
  if (kind === 'none') return 'This kernel has no driver for the NPU: boot a vendor kernel.';
  if (kind === 'rocket') return 'The NPU has the mainline driver rocket: boot a vendor kernel.';
  const { process } = files;
  const finding = judgeDevices({ devices: npuDevices(files), container: containerOf(files), process });
  const { state, value, advice } = worded(finding);
  return state === 'bad' ? `${value}. ${advice}` : undefined;
}

/**
 * Why `rknn_run` returned -1: the driver did not take the job or did not finish it.
 * @param runtime version of librknnrt, if known
 */
export function runCause(files: SystemFiles, runtime?: string): string {
  const { users } = npuUsers(files, npuNodePaths(npuDevices(files)));
  const others = users.filter(({ pid }) => pid !== process.pid);
  const { version } = npuDriver(files);
  const known = version === undefined ? undefined : driverFault(version, runtime);
  const lines = kernelLines(files);
  return [
    'The driver did not finish the job: a hung job, another program on the NPU, or an old driver.',
    others.length > 0 && `Other programs have it open: ${others.map(describeNpuUser).join(', ')}.`,
    known !== undefined && `This driver is known for this fault: ${englishText(known)}. Update the kernel.`,
    lines.length > 0 && `The kernel’s last lines: ${lines.join(' | ')}`,
    lines.length === 0 && 'Look for rknpu in dmesg; if jobs time out there, reboot.',
  ]
    .filter((part) => part !== false)
    .join(' ');
}

function fileCause(path: string): string | undefined {
  try {
    if (statSync(path).size === 0) return `${path} is empty: copy the bundle again.`;
    const start = Buffer.alloc(lfsPointer.length);
    const fd = openSync(path, 'r');
    try {
      readSync(fd, start);
    } finally {
      closeSync(fd);
    }
    if (start.toString('latin1') !== lfsPointer) return undefined;
    return `${path} is a git-lfs pointer, not the model: run git lfs pull where it comes from.`;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `There is no file ${path}: copy the bundle again.`;
    if (code === 'EACCES' || code === 'EPERM') return `This user may not read ${path}.`;
    return `${path} cannot be read: ${code}.`;
  }
}

/** The driver's last records in the kernel's log, if this user may read it. */
function kernelLines(files: SystemFiles): readonly string[] {
  const records = files.text('/dev/kmsg')?.split('\n') ?? [];
  return records
    .filter((record) => /rknpu/i.test(record))
    .slice(-shownLogLines)
    .map((record) => record.slice(record.indexOf(';') + 1).trim());
}
