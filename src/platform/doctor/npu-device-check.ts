import type { Machine } from '../machine';
import { npuNodePaths } from '../npu/npu-devices';
import type { DeviceNode } from '../recording/system-files';
import { bad, type Finding, ok, warn } from './finding';
import { admitNodes, everyoneMayUse, permitNode, permitRoot, unmappedGid } from './npu-device-access';

/** What the verdict depends on. */
type DeviceFacts = Pick<Machine, 'container' | 'devices' | 'process'>;

/** Refusals that have nothing to do with the device. */
const fullTables: Readonly<Record<string, string>> = {
  EMFILE:
    'Not the device: this process has too many files open. Raise its limit (ulimit -n, systemd: LimitNOFILE=, Docker: --ulimit nofile=).',
  ENFILE: 'Not the device: all programs together have too many files open. Raise the sysctl fs.file-max.',
};

/** Whether the nodes that the runtime opens exist, are the driver's, and can be opened by this process. */
export function judgeDevices(machine: DeviceFacts): Finding {
  const { nodes, missing, heaps, misleadingLink, render, unlinked } = machine.devices;
  if (misleadingLink !== undefined) {
    return bad(
      `/dev/rknpu is a link to ${misleadingLink}`,
      'Remove the link: it makes the runtime mistake the driver for another build.',
    );
  }
  const [closed] = nodes.filter(({ refused }) => refused !== undefined);
  if (closed && nodes.every(({ refused }) => refused !== undefined)) return judgeClosed(machine, closed);
  if (nodes.length === 0 && missing.length === 0 && render.nodes.length > 0) return judgeRenderOnly(machine);
  if (nodes.length === 0) return judgeMissing(machine);
  const usableHeaps = heaps?.filter(({ refused }) => refused === undefined);
  if (usableHeaps?.length === 0) {
    return bad(
      `${paths(nodes)}, but no DMA heap for its buffers`,
      machine.container === undefined
        ? 'Give this user access to /dev/dma_heap.'
        : admitNodes(machine.container, ['/dev/dma_heap']),
    );
  }
  const usable = paths(nodes.filter(({ refused }) => refused === undefined));
  if (!unlinked) return ok(usable);
  return warn(
    `${usable}: /sys does not show whether one of them is the NPU’s`,
    'If a caption is answered by the CPU, mount all of /sys and run smolvlm doctor again.',
  );
}

/** No card is known, although each render node has one: its number is hidden here, or was not recorded. */
function judgeRenderOnly(machine: DeviceFacts): Finding {
  const { container, devices } = machine;
  const { nodes } = devices.render;
  const [closed] = nodes.filter(({ refused }) => refused !== undefined);
  if (closed?.refused === 'EPERM') return judgeClosed(machine, closed);
  const value = `${paths(nodes)}, but no /dev/dri/card of the same driver, which the runtime opens`;
  if (container !== undefined) return bad(value, admitNodes(container, npuNodePaths(devices)));
  return warn(
    value,
    closed
      ? 'Add this user to the groups video and render, and check with ls -l /dev/dri.'
      : 'Check with ls -l /dev/dri; a recording made by an older smolvlm doctor lacks the card: record the machine again.',
  );
}

function judgeMissing({ container, devices }: DeviceFacts): Finding {
  const [path] = [...devices.missing, ...devices.render.missing];
  if (container !== undefined) {
    const beside =
      devices.render.nodes.length > 0 ? `; ${paths(devices.render.nodes)} alone is not enough` : '';
    return bad(
      `${path ?? 'the driver’s device node'} is not in this container${beside}`,
      admitNodes(container, npuNodePaths(devices)),
    );
  }
  return bad(
    path === undefined ? 'the driver made no device node' : `${path} does not exist`,
    path === undefined
      ? 'Look for rknpu in dmesg.'
      : devices.privateFolder
        ? 'This service has its own /dev: set PrivateDevices=no in its systemd unit.'
        : 'Restart udev (systemctl restart systemd-udevd) or reboot.',
  );
}

function judgeClosed({ container, devices, process }: DeviceFacts, node: DeviceNode): Finding {
  const { path, mode, group, gid, refused = '' } = node;
  const value = `${path} (${mode}, group ${group ?? gid}) cannot be opened: ${refused}`;
  const full = fullTables[refused];
  if (full !== undefined) return bad(value, full);
  // In an app, the app's profile refuses the device, and the user can change neither.
  if (container === 'home-assistant-app') return bad(value, admitNodes(container, npuNodePaths(devices)));
  const snap = process.environment.SNAP_NAME;
  const isConfined = refused === 'EPERM' || process.uid === 0 || everyoneMayUse(node);
  if (container === undefined && snap !== undefined && isConfined && /^E(?:PERM|ACCES)$/.test(refused)) {
    return bad(
      value,
      `The snap ${snap} has no access to it: install Node-RED without snap, or run the engine outside (smolvlm serve) and enter its address in the engine node.`,
    );
  }
  // Root of a user namespace is refused like any user where the node's group is not mapped into it.
  if (refused === 'EACCES' && process.uid === 0 && gid !== unmappedGid) {
    return bad(value, permitRoot(container, node, devices.render.nodes));
  }
  if (refused === 'EACCES') return bad(value, permitNode(container, node, devices.render.nodes));
  if (refused !== 'EPERM') return bad(value, 'The driver refuses it: look for rknpu in dmesg.');
  return bad(
    value,
    container === undefined
      ? 'A sandbox blocks it for this program: allow the device (systemd: DeviceAllow=, PrivateDevices=no).'
      : `The container may not use it. ${admitNodes(container, npuNodePaths(devices))}`,
  );
}

function paths(nodes: readonly DeviceNode[]): string {
  return nodes.map(({ path }) => path).join(', ');
}
