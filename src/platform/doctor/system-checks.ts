import type { ContainerKind } from '../container';
import type { Machine } from '../machine';
import { versionAtLeast } from '../npu/npu-driver';
import { socNpuCores } from '../soc';
import { bad, type Check, type Finding, info, ok } from './finding';

/** The package's `engines`. */
const leastNode = '20.9.0';
/** onnxruntime-node 1.30.0 needs symbols of this version. */
const leastGlibc = '2.28';

const containerNames: Readonly<Record<ContainerKind, string>> = {
  'home-assistant-app': 'Home Assistant app',
  docker: 'Docker',
  podman: 'Podman',
  kubernetes: 'Kubernetes',
  lxc: 'LXC',
  other: 'of an unknown kind',
};

/** The chip and the operating system. */
export const systemChecks: readonly Check[] = [
  { id: 'soc', title: 'Chip', judge: judgeSoc, stops: ['captionOnNpu'] },
  {
    id: 'kernel',
    title: 'Kernel',
    judge: ({ kernel, process }) => info(kernel ?? `unknown (${process.platform})`),
  },
  { id: 'container', title: 'Container', judge: judgeContainer },
  { id: 'libc', title: 'C library', judge: judgeLibc, stops: ['captionOnCpu', 'captionOnNpu', 'convert'] },
  { id: 'node', title: 'Node.js', judge: judgeNode, stops: ['captionOnCpu', 'captionOnNpu', 'convert'] },
];

function judgeSoc(machine: Machine): Finding {
  const { soc, npu, driver, container, driverCores } = machine;
  const named = soc.board === undefined ? soc.id : `${soc.board}: ${soc.id}`;
  if (npu === 'absent') return info(`${named}, no NPU`);
  if (npu === 'other-chip') {
    return info(
      `${named}, with an NPU that is not supported`,
      'The NPUs of the RK3588 and RK3576 families are supported; this machine captions on its CPU.',
    );
  }
  const cores = `${driverCores ?? socNpuCores(soc)} NPU cores`;
  if (soc.source !== 'npu-device') return ok(`${named}, ${cores}`);
  const value = `${named} or another chip of its family, ${cores}; /proc/device-tree is hidden`;
  if (driver.kind !== 'vendor') return info(value);
  const advice = `librknnrt reads the chip’s name from /proc/device-tree: ${
    container === undefined
      ? 'mount all of /proc'
      : 'start the container with --security-opt systempaths=unconfined'
  }.`;
  return bad(value, advice);
}

function judgeContainer({ container, devices }: Machine): Finding {
  const hasDevices = devices.nodes.some(({ refused }) => refused === undefined);
  if (container !== 'home-assistant-app' || hasDevices)
    return info(container === undefined ? 'none' : containerNames[container]);
  return info(
    containerNames[container],
    'This app has no access to an NPU: to use one, run smolvlm serve on a board with the vendor’s kernel and enter its address in the engine node.',
  );
}

function judgeLibc({ libc, process }: Machine): Finding {
  if (process.platform !== 'linux') return info(`not checked on ${process.platform}`);
  const { kind, version } = libc;
  if (kind === 'musl') {
    return bad(
      'musl: neither onnxruntime-node nor the NPU runtimes work with it',
      'Run the engine on a system with glibc (Debian, Ubuntu, nodered/node-red:*-debian) and enter its address in the engine node.',
    );
  }
  if (kind === 'unknown') return info('not recognised');
  if (version === undefined) return ok('glibc');
  if (versionAtLeast(version, leastGlibc)) return ok(`glibc ${version}`);
  return bad(
    `glibc ${version}`,
    `onnxruntime-node needs glibc ${leastGlibc} or newer: update the system (Debian 10, Ubuntu 20.04 or newer).`,
  );
}

function judgeNode({ process: { nodeVersion, arch } }: Machine): Finding {
  if (arch === 'arm' || arch === 'ia32') {
    return bad(
      `${nodeVersion} for 32 bits (${arch})`,
      'Neither onnxruntime-node nor the NPU’s runtimes work with it: install a 64-bit system, or give the engine node the address of an engine on another machine.',
    );
  }
  if (versionAtLeast(nodeVersion, leastNode)) return ok(nodeVersion);
  return bad(nodeVersion, `Install Node.js ${leastNode} or newer.`);
}
