import { type FindingPhrase, listed, phrase } from '../../protocol/findings/finding-phrase';
import type { Machine } from '../machine';
import { driverFault } from '../npu/driver-faults';
import { versionAtLeast } from '../npu/npu-driver';
import { holderPhrase } from '../npu/npu-lock';
import { npuUserPhrase } from '../npu/npu-neighbours';
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
  if (driver.assumed) return warn(phrase('driverUnknown'), phrase('mountSys'));
  if (driver.kind === 'vendor') return ok(phrase('driverVendor'));
  if (driver.kind === 'rocket') return bad(phrase('driverRocket'), phrase('bootVendorKernel'));
  if (container === 'home-assistant-app') return bad(phrase('none'), phrase('haosWithoutDriver'));
  if (kernel?.endsWith('-talos')) return bad(phrase('talosWithoutDriver'), phrase('leaveTalos'));
  return bad(phrase('kernelWithoutDriver'), phrase('bootVendorKernel'));
}

function judgeVersion({ driver, process, rknn }: Machine): Finding {
  const { version, places } = driver;
  if (version === undefined) {
    return warn(phrase('driverVersionHidden'), phrase(process.uid === 0 ? 'readDmesg' : 'runAsRoot'));
  }
  const value = places.map((place) => `${place.version} (${place.path})`).join(', ');
  if (places.some((place) => place.version !== version)) {
    return warn(value, phrase('rebootForDriver'));
  }
  const fault = driverFault(version, rknn[0]?.version);
  if (fault) return warn(value, phrase('updateKernel', { fault }));
  if (versionAtLeast(version, recommendedDriver)) return ok(value);
  return info(value, phrase('recommendedDriver', { version: recommendedDriver }));
}

function judgeUsers(machine: Machine): Finding {
  const { npuUsers, process, container } = machine;
  const { holder, users, hidden, othersInvisible } = npuUsers;
  const held = holder && phrase('heldBySmolvlm', { process: holderPhrase(holder) });
  const others = users.filter(({ pid }) => pid !== holder?.pid);
  if (others.length > 0) {
    const named = listed('comma', others.map(npuUserPhrase));
    return warn(
      held === undefined ? named : listed('semicolon', [held, named]),
      sharingAdvice(others, machine),
    );
  }
  const unused = phrase(container === undefined ? 'noProcess' : 'noProcessInContainer');
  const isRoot = process.uid === 0;
  if (othersInvisible && !isRoot) {
    const seen = held ?? phrase('noProcessOfUser');
    return info(phrase('othersHidden', { users: seen }), phrase('runAsRootForOthers'));
  }
  const seen = held ?? unused;
  if (hidden === 0 || isRoot) return info(seen);
  return info(phrase('uncheckedProcesses', { users: seen, count: hidden }));
}

/** What to do about programs that use the NPU as well, by what is known about them. */
function sharingAdvice(others: readonly NpuUser[], { driverCores, soc }: Machine): FindingPhrase {
  const programs = new Set(others.map(({ program }) => program));
  if (programs.has('rkllm')) return phrase('besideRkllm');
  if (programs.has('frigate')) {
    const last = (driverCores ?? socNpuCores(soc)) - 1;
    return phrase('besideFrigate', { setting: 'num_cores: 1', cores: `1-${last}` });
  }
  return phrase('besideOthers');
}
