import type { Machine } from '../machine';
import type { DeviceNode } from '../recording/system-files';
import { bad, type Finding, ok } from './finding';

/** Whether the NPU's device nodes exist, are the driver's, and can be opened by this process. */
export function judgeDevices(machine: Machine): Finding {
  const { nodes, missing, heaps, misleadingLink } = machine.devices;
  if (misleadingLink !== undefined) {
    return bad(
      `/dev/rknpu is a link to ${misleadingLink}`,
      'Remove the link: it makes the runtime take the driver for another build of it.',
    );
  }
  const [closed] = nodes.filter(({ refused }) => refused !== undefined);
  if (closed && nodes.every(({ refused }) => refused !== undefined)) return judgeClosed(machine, closed);
  if (nodes.length === 0) return judgeMissing(machine, missing);
  const usableHeaps = heaps?.filter(({ refused }) => refused === undefined);
  if (usableHeaps?.length === 0) {
    return bad(
      `${paths(nodes)}, but no DMA heap for its buffers`,
      machine.container === undefined
        ? 'Give this user access to /dev/dma_heap.'
        : 'Start the container with --device /dev/dma_heap.',
    );
  }
  return ok(paths(nodes.filter(({ refused }) => refused === undefined)));
}

function judgeMissing({ container }: Machine, missing: readonly string[]): Finding {
  const [path] = missing;
  if (container !== undefined) {
    const folder =
      path === undefined || path.startsWith('/dev/dri/') ? '/dev/dri' : `${path} --device /dev/dma_heap`;
    return bad(
      `${path ?? 'the driver’s device node'} is not in this container`,
      container === 'home-assistant-app'
        ? 'An app has no access to it: run the engine outside (smolvlm serve) and enter its address in the engine node.'
        : `Start the container with --device ${folder}.`,
    );
  }
  return bad(
    path === undefined ? 'the driver made no device node' : `${path} does not exist`,
    path === undefined
      ? 'Look for rknpu in dmesg.'
      : 'Restart udev (systemctl restart systemd-udevd) or reboot.',
  );
}

function judgeClosed(machine: Machine, node: DeviceNode): Finding {
  const { container } = machine;
  const { path, mode, group, gid, refused = '' } = node;
  const value = `${path} (${mode}, group ${group ?? gid}) cannot be opened: ${refused}`;
  if (refused === 'EACCES') {
    const member =
      container === undefined
        ? `sudo usermod -aG ${group ?? gid} USER, then restart the program`
        : `start the container with --group-add ${gid}`;
    return bad(value, `This user may not use it: ${member}.`);
  }
  if (refused === 'EPERM') {
    return bad(
      value,
      container === undefined
        ? 'A sandbox blocks it for this program: allow the device (systemd: DeviceAllow=, PrivateDevices=no).'
        : `The container may not use it: start it with --device ${path}.`,
    );
  }
  return bad(value, 'The driver refuses it: look for rknpu in dmesg.');
}

function paths(nodes: readonly DeviceNode[]): string {
  return nodes.map(({ path }) => path).join(', ');
}
