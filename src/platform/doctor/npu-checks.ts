import type { Machine } from '../machine';
import { versionAtLeast } from '../npu/npu-driver';
import { describeHolder } from '../npu/npu-lock';
import { bad, type Check, type Finding, hasNpu, hasVendorNpu, info, ok, warn } from './finding';
import { judgeDevices } from './npu-device-check';

/** Older drivers fail submits and hang under load; librknnrt itself asks for 0.8.8. */
const leastDriver = '0.9.6';

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

function judgeVersion({ driver, process }: Machine): Finding {
  const { version, places } = driver;
  if (version === undefined) {
    const advice = process.uid === 0 ? 'Look for rknpu in dmesg.' : 'Run smolvlm doctor once as root.';
    return warn('not readable by this user in any of the four places', advice);
  }
  const value = places.map((place) => `${place.version} (${place.path})`).join(', ');
  if (places.some((place) => place.version !== version)) {
    return warn(value, 'The places disagree: reboot, so that the installed driver is the one that runs.');
  }
  if (versionAtLeast(version, leastDriver)) return ok(value);
  return warn(value, `Update the kernel: drivers before ${leastDriver} fail or hang under load.`);
}

function judgeUsers({ npuUsers: { holder, users, hidden }, process, container }: Machine): Finding {
  const held = holder ? `SmolVLM’s ${describeHolder(holder)}` : undefined;
  const others = users.filter(({ pid }) => pid !== holder?.pid);
  if (others.length > 0) {
    const named = others.map(({ pid, command }) => `process ${pid} (${command})`).join(', ');
    return warn(
      held === undefined ? named : `${held}; ${named}`,
      'Two programs that use the NPU at once have made it fail and hung boards: stop the other one, or caption on the CPU.',
    );
  }
  const unused = container === undefined ? 'no process' : 'no process in this container';
  const unchecked =
    hidden > 0 && process.uid !== 0 ? `; ${hidden} other processes can only be checked by root` : '';
  return info(`${held ?? unused}${unchecked}`);
}
