import { type PhraseKey, phrase } from '../../protocol/findings/finding-phrase';
import type { Machine } from '../machine';
import { npuNodePaths } from '../npu/npu-devices';
import type { DeviceNode } from '../recording/system-files';
import { bad, type Finding, ok, warn } from './finding';
import { admitNodes, everyoneMayUse, permitNode, permitRoot, unmappedGid } from './npu-device-access';

/** What the verdict depends on. */
type DeviceFacts = Pick<Machine, 'container' | 'devices' | 'process'>;

/** Refusals that have nothing to do with the device. */
const fullTables: Readonly<Record<string, PhraseKey>> = {
  EMFILE: 'filesOfProcess',
  ENFILE: 'filesOfSystem',
};

/** Whether the nodes that the runtime opens exist, are the driver's, and can be opened by this process. */
export function judgeDevices(machine: DeviceFacts): Finding {
  const { nodes, missing, heaps, misleadingLink, render, unlinked } = machine.devices;
  if (misleadingLink !== undefined)
    return bad(phrase('nodeIsLink', { target: misleadingLink }), phrase('removeLink'));
  const [closed] = nodes.filter(({ refused }) => refused !== undefined);
  if (closed && nodes.every(({ refused }) => refused !== undefined)) return judgeClosed(machine, closed);
  if (nodes.length === 0 && missing.length === 0 && render.nodes.length > 0) return judgeRenderOnly(machine);
  if (nodes.length === 0) return judgeMissing(machine);
  const usableHeaps = heaps?.filter(({ refused }) => refused === undefined);
  if (usableHeaps?.length === 0) {
    return bad(
      phrase('noHeap', { nodes: paths(nodes) }),
      machine.container === undefined
        ? phrase('permitHeap')
        : admitNodes(machine.container, ['/dev/dma_heap']),
    );
  }
  const usable = paths(nodes.filter(({ refused }) => refused === undefined));
  if (!unlinked) return ok(usable);
  return warn(phrase('nodesUnlinked', { nodes: usable }), phrase('mountAllOfSys'));
}

/** No card is known, although each render node has one: its number is hidden here, or was not recorded. */
function judgeRenderOnly(machine: DeviceFacts): Finding {
  const { container, devices } = machine;
  const { nodes } = devices.render;
  const [closed] = nodes.filter(({ refused }) => refused !== undefined);
  if (closed?.refused === 'EPERM') return judgeClosed(machine, closed);
  const value = phrase('renderNodesOnly', { nodes: paths(nodes) });
  if (container !== undefined) return bad(value, admitNodes(container, npuNodePaths(devices)));
  return warn(value, phrase(closed ? 'joinBothGroups' : 'listDri'));
}

function judgeMissing({ container, devices }: DeviceFacts): Finding {
  const [path] = [...devices.missing, ...devices.render.missing];
  if (container !== undefined) {
    const missing = phrase('notInContainer', { node: path ?? phrase('deviceNode') });
    const nodes = paths(devices.render.nodes);
    return bad(
      nodes === '' ? missing : phrase('renderNotEnough', { missing, nodes }),
      admitNodes(container, npuNodePaths(devices)),
    );
  }
  if (path === undefined) return bad(phrase('noNodeMade'), phrase('readDmesg'));
  return bad(
    phrase('nodeMissing', { node: path }),
    phrase(devices.privateFolder ? 'privateDevices' : 'restartUdev'),
  );
}

function judgeClosed({ container, devices, process }: DeviceFacts, node: DeviceNode): Finding {
  const { path, mode, group, gid, refused = '' } = node;
  const value = phrase('nodeClosed', { node: path, mode, group: group ?? gid, error: refused });
  const full = fullTables[refused];
  if (full !== undefined) return bad(value, phrase(full));
  // In an app, the app's profile refuses the device, and the user can change neither.
  if (container === 'home-assistant-app') return bad(value, admitNodes(container, npuNodePaths(devices)));
  const snap = process.environment.SNAP_NAME;
  const isConfined = refused === 'EPERM' || process.uid === 0 || everyoneMayUse(node);
  if (container === undefined && snap !== undefined && isConfined && /^E(?:PERM|ACCES)$/.test(refused)) {
    return bad(value, phrase('leaveSnap', { snap }));
  }
  // Root of a user namespace is refused like any user where the node's group is not mapped into it.
  if (refused === 'EACCES' && process.uid === 0 && gid !== unmappedGid) {
    return bad(value, permitRoot(container, node, devices.render.nodes));
  }
  if (refused === 'EACCES') return bad(value, permitNode(container, node, devices.render.nodes));
  if (refused !== 'EPERM') return bad(value, phrase('driverRefuses'));
  return bad(
    value,
    container === undefined
      ? phrase('sandboxRefuses')
      : phrase('containerMayNot', { advice: admitNodes(container, npuNodePaths(devices)) }),
  );
}

function paths(nodes: readonly DeviceNode[]): string {
  return nodes.map(({ path }) => path).join(', ');
}
