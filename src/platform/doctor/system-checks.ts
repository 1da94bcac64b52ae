import type { ContainerKind } from '../container';
import type { Machine } from '../machine';
import { versionAtLeast } from '../npu/npu-driver';
import { socNpuCores } from '../soc';
import { bad, type Check, type Finding, info, ok } from './finding';

/** The package's `engines`. */
const leastNode = '20.9.0';
/** Symbols that onnxruntime-node 1.30.0 asks of the C library. */
const leastGlibc = '2.28';

const containerNames: Readonly<Record<ContainerKind, string>> = {
  'home-assistant-app': 'Home Assistant app',
  docker: 'Docker',
  podman: 'Podman',
  kubernetes: 'Kubernetes',
  lxc: 'LXC',
};

/** The chip and the system that the rest stands on. */
export const systemChecks: readonly Check[] = [
  { id: 'soc', title: 'Chip', judge: judgeSoc, stops: ['captionOnNpu'] },
  {
    id: 'kernel',
    title: 'Kernel',
    judge: ({ kernel, process }) => info(kernel ?? `not told (${process.platform})`),
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
      `${named}, with an NPU that no bundle can be made for`,
      'Bundles for an NPU are made for the RK3588 and RK3576 families; this machine captions on its CPU.',
    );
  }
  const cores = `${driverCores ?? socNpuCores(soc)} NPU cores`;
  if (soc.source !== 'npu-device') return ok(`${named}, ${cores}`);
  const value = `${named} or a sibling, ${cores}; /proc/device-tree is hidden`;
  if (driver.kind !== 'vendor') return info(value);
  const advice = `librknnrt asks /proc/device-tree which chip it is on: ${
    container === undefined
      ? 'mount /proc in full'
      : 'start the container with --security-opt systempaths=unconfined'
  }.`;
  return bad(value, advice);
}

function judgeContainer({ container }: Machine): Finding {
  if (container !== 'home-assistant-app')
    return info(container === undefined ? 'none' : containerNames[container]);
  return info(
    containerNames[container],
    'An app is given no NPU: to use one, run smolvlm serve on a board with the vendor’s kernel and enter its address in the engine node.',
  );
}

function judgeLibc({ libc, process }: Machine): Finding {
  if (process.platform !== 'linux') return info(`that of ${process.platform}`);
  const { kind, version } = libc;
  if (kind === 'musl') {
    return bad(
      'musl, which neither onnxruntime-node nor the NPU runtimes are made for',
      'Run the engine where glibc is (Debian, Ubuntu, nodered/node-red:*-debian) and enter its address in the engine node.',
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

function judgeNode({ process: { nodeVersion } }: Machine): Finding {
  if (versionAtLeast(nodeVersion, leastNode)) return ok(nodeVersion);
  return bad(nodeVersion, `Install Node.js ${leastNode} or newer.`);
}
