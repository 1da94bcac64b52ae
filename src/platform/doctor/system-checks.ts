import { type FindingText, phrase } from '../../protocol/findings/finding-phrase';
import type { ContainerKind } from '../container';
import type { Machine } from '../machine';
import { versionAtLeast } from '../npu/npu-driver';
import { socNpuCores } from '../soc';
import { bad, type Check, type Finding, info, ok } from './finding';

/** The package's `engines`. */
const leastNode = '20.9.0';
/** onnxruntime-node 1.30.0 needs symbols of this version. */
const leastGlibc = '2.28';

const containerNames: Readonly<Record<ContainerKind, FindingText>> = {
  'home-assistant-app': phrase('containerApp'),
  docker: 'Docker',
  podman: 'Podman',
  kubernetes: 'Kubernetes',
  lxc: 'LXC',
  other: phrase('containerOther'),
};

/** The chip and the operating system. */
export const systemChecks: readonly Check[] = [
  { id: 'soc', title: 'Chip', judge: judgeSoc, stops: ['captionOnNpu'] },
  {
    id: 'kernel',
    title: 'Kernel',
    judge: ({ kernel, process }) => info(kernel ?? phrase('kernelUnknown', { platform: process.platform })),
  },
  { id: 'container', title: 'Container', judge: judgeContainer },
  { id: 'libc', title: 'C library', judge: judgeLibc, stops: ['captionOnCpu', 'captionOnNpu', 'convert'] },
  { id: 'node', title: 'Node.js', judge: judgeNode, stops: ['captionOnCpu', 'captionOnNpu', 'convert'] },
];

function judgeSoc(machine: Machine): Finding {
  const { soc, npu, driver, container, driverCores } = machine;
  const chip = soc.board === undefined ? soc.id : phrase('named', { name: soc.board, what: soc.id });
  if (npu === 'absent') return info(phrase('chipWithoutNpu', { chip }));
  if (npu === 'other-chip') {
    return info(phrase('chipOtherNpu', { chip }), phrase('supportedNpus'));
  }
  const cores = driverCores ?? socNpuCores(soc);
  if (soc.source !== 'npu-device') return ok(phrase('chipCores', { chip, cores }));
  const value = phrase('chipHidden', { chip, cores });
  if (driver.kind !== 'vendor') return info(value);
  return bad(value, phrase(container === undefined ? 'deviceTreeMount' : 'deviceTreeContainer'));
}

function judgeContainer({ container, devices }: Machine): Finding {
  const hasDevices = devices.nodes.some(({ refused }) => refused === undefined);
  if (container !== 'home-assistant-app' || hasDevices)
    return info(container === undefined ? phrase('none') : containerNames[container]);
  return info(containerNames[container], phrase('appWithoutNpu'));
}

function judgeLibc({ libc, process }: Machine): Finding {
  if (process.platform !== 'linux') return info(phrase('notCheckedOn', { platform: process.platform }));
  const { kind, version } = libc;
  if (kind === 'musl') return bad(phrase('libcMusl'), phrase('useGlibc'));
  if (kind === 'unknown') return info(phrase('notRecognised'));
  if (version === undefined) return ok('glibc');
  if (versionAtLeast(version, leastGlibc)) return ok(`glibc ${version}`);
  return bad(`glibc ${version}`, phrase('updateGlibc', { least: leastGlibc }));
}

function judgeNode({ process: { nodeVersion, arch } }: Machine): Finding {
  if (arch === 'arm' || arch === 'ia32') {
    return bad(phrase('nodeFor32Bits', { version: nodeVersion, arch }), phrase('use64Bits'));
  }
  if (versionAtLeast(nodeVersion, leastNode)) return ok(nodeVersion);
  return bad(nodeVersion, phrase('installNode', { least: leastNode }));
}
