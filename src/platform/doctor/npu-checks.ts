import type { Machine } from '../machine';
import { driverFault } from '../npu/driver-faults';
import { versionAtLeast } from '../npu/npu-driver';
import { describeHolder } from '../npu/npu-lock';
import { describeNpuUser } from '../npu/npu-neighbours';
import type { NpuUser } from '../npu/npu-users';
import { socNpuCores } from '../soc';
import { bad, type Check, type Finding, hasNpu, hasVendorNpu, info, ok, warn } from './finding';
import { judgeDevices } from './npu-device-check';

/** Below it librknnrt prints that it recommends an update. */
const recommendedDriver = '0.8.8';

/** The driver, its device nodes, and the processes that use it. */
export const npuChecks: readonly Check[] = [
  { id: 'npu-driver', title: 'NPU driver', applies: hasNpu, judge: judgeDriver, stops: ['captionOnNpu'] },
  {
    id: 'npu-driver-version',
    title: 'NPU driver version',
    applies: hasVendorNpu,
    judge: judgeVersion,
  },
  {
    id: 'npu-devices',
    title: 'NPU devices',
    applies: hasVendorNpu,
    judge: judgeDevices,
    stops: ['captionOnNpu'],
  },
  { id: 'npu-users', title: 'NPU in use by', applies: hasVendorNpu, judge: judgeUsers },
];

function judgeDriver({ driver, container, kernel }: Machine): Finding {
  if (driver.assumed) {
    return warn(
      'not known: /sys, which tells it, is not visible here',
      'Mount /sys. Without it neither the driver nor its device can be checked; a caption may work.',
    );
  }
  if (driver.kind === 'vendor') return ok('rknpu, the vendor’s driver');
  const advice = 'Boot a vendor kernel (Rockchip 5.10 or 6.1, e.g. Armbian vendor), or caption on the CPU.';
  if (driver.kind === 'rocket') {
    return bad('rocket, the mainline kernel’s driver: librknnrt and librkllmrt do not work with it', advice);
  }
  if (container === 'home-assistant-app')
    return bad(
      'none',
      'Home Assistant OS has no driver for it: caption on the CPU, or run the engine on another machine.',
    );
  if (kernel?.endsWith('-talos')) {
    return bad(
      'none in the kernel of Talos Linux',
      'Its kernel cannot be exchanged for the vendor’s: caption on the CPU, or run the engine on a machine with a vendor kernel.',
    );
  }
  return bad('none in this kernel', advice);
}

function judgeVersion({ driver, process, rknn }: Machine): Finding {
  const { version, places } = driver;
  if (version === undefined) {
    const advice = process.uid === 0 ? 'Look for rknpu in dmesg.' : 'Run smolvlm doctor once as root.';
    return warn('not readable by this user in any of the four places', advice);
  }
  const value = places.map((place) => `${place.version} (${place.path})`).join(', ');
  if (places.some((place) => place.version !== version)) {
    return warn(value, 'The places disagree: reboot, so that the installed driver is the one that runs.');
  }
  const fault = driverFault(version, rknn[0]?.version);
  if (fault) return warn(value, `Update the kernel: ${fault}.`);
  if (versionAtLeast(version, recommendedDriver)) return ok(value);
  return info(value, `librknnrt recommends ${recommendedDriver} or newer: if runs fail, update the kernel.`);
}

function judgeUsers(machine: Machine): Finding {
  const { npuUsers, process, container } = machine;
  const { holder, users, hidden, othersInvisible } = npuUsers;
  const held = holder ? `SmolVLM’s ${describeHolder(holder)}` : undefined;
  const others = users.filter(({ pid }) => pid !== holder?.pid);
  if (others.length > 0) {
    const named = others.map(describeNpuUser).join(', ');
    return warn(held === undefined ? named : `${held}; ${named}`, sharingAdvice(others, machine));
  }
  const unused =
    container === undefined ? 'no process' : 'no process in this container; those outside cannot be seen';
  const isRoot = process.uid === 0;
  if (othersInvisible && !isRoot) {
    return info(
      `${held ?? 'no process of this user'}; those of other users are hidden (hidepid of /proc)`,
      'Run smolvlm doctor once as root: another program on the NPU, such as Frigate, is not seen.',
    );
  }
  const unchecked = hidden > 0 && !isRoot ? `; ${hidden} other processes can only be checked by root` : '';
  return info(`${held ?? unused}${unchecked}`);
}

/** What to do about programs that use the NPU as well, by what is known about them. */
function sharingAdvice(others: readonly NpuUser[], { driverCores, soc }: Machine): string {
  const programs = new Set(others.map(({ program }) => program));
  const choice = 'or set SMOLVLM_NPU_SHARING to cpu or refuse';
  if (programs.has('rkllm')) {
    return `A language model server of the vendor’s runtime and vision at once have hung boards, even on separate cores (rknn-llm#315): stop one of them, ${choice}.`;
  }
  if (programs.has('frigate')) {
    const last = (driverCores ?? socNpuCores(soc)) - 1;
    return `Frigate’s detector and captions slow each other down, and two programs at once have hung boards. To share, give Frigate core 0 (num_cores: 1) and SmolVLM the others (SMOLVLM_NPU_CORES=1-${last}); ${choice}.`;
  }
  return `Two programs that use the NPU at once have made it fail and hung boards: stop the other one, ${choice}.`;
}
