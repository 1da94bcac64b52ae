import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { containerOf } from '../../platform/container';
import { judgeDevices } from '../../platform/doctor/npu-device-check';
import { openFileLimit } from '../../platform/memory';
import { npuDevices, npuNodePaths } from '../../platform/npu/npu-devices';
import { npuDriver, versionAtLeast } from '../../platform/npu/npu-driver';
import { npuUsers } from '../../platform/npu/npu-users';
import type { SystemFiles } from '../../platform/recording/system-files';
import { npuTarget, socOf } from '../../platform/soc';

/** The library itself opens a few files while it loads a model. */
const spareFiles = 8;
const shownLogLines = 3;
/** How the text file begins that git-lfs leaves in place of a large file. */
const lfsPointer = 'version https://git-lfs';

/** Drivers on which submits are reported to fail, and where. */
const faultyDrivers = [
  { before: '0.8.0', reports: 'airockchip/rknn-toolkit2#447, driver 0.7.2 with librknnrt 2.3.2' },
  { before: '0.9.6', from: '0.9.0', reports: 'radxa/kernel#312, driver 0.9.3, repaired by 0.9.6' },
] as const;

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
  const { state, value, advice } = judgeDevices({
    devices: npuDevices(files),
    container: containerOf(files),
  });
  return state === 'bad' ? `${value}. ${advice}` : undefined;
}

/** Why `rknn_run` returned -1: the driver did not take the job or did not finish it. */
export function runCause(files: SystemFiles): string {
  const { users } = npuUsers(files, npuNodePaths(npuDevices(files)));
  const others = users.filter(({ pid }) => pid !== process.pid);
  const { version } = npuDriver(files);
  const known = version === undefined ? undefined : faultOf(version);
  const lines = kernelLines(files);
  return [
    'The driver did not finish the job: a hung job, another program on the NPU, or an old driver.',
    others.length > 0 &&
      `Other programs have it open: ${others.map(({ pid, command }) => `process ${pid} (${command})`).join(', ')}.`,
    known !== undefined &&
      `Failed submits are reported for drivers like this one, ${version} (${known}): update the kernel.`,
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

function faultOf(version: string): string | undefined {
  return faultyDrivers.find(
    (fault) =>
      !versionAtLeast(version, fault.before) && (!('from' in fault) || versionAtLeast(version, fault.from)),
  )?.reports;
}

/** The driver's last records in the kernel's log, if this user may read it. */
function kernelLines(files: SystemFiles): readonly string[] {
  const records = files.text('/dev/kmsg')?.split('\n') ?? [];
  return records
    .filter((record) => /rknpu/i.test(record))
    .slice(-shownLogLines)
    .map((record) => record.slice(record.indexOf(';') + 1).trim());
}
