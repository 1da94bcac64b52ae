import type { ContainerKind } from '../container';
import type { DeviceNode } from '../recording/system-files';

/** The group id that the kernel shows in a user namespace for a group that is not mapped into it. */
export const unmappedGid = 65534;

/** Major number of /dev/dri: a card's minor number is its number, and so is a render node's. */
const drmMajor = 226;

/** How the container is given the NPU's nodes. @param nodes paths; empty when the driver's nodes are not known */
export function admitNodes(container: ContainerKind, nodes: readonly string[]): string {
  const wanted = wholeSet(nodes);
  switch (container) {
    case 'home-assistant-app':
      return 'This app has no access to it: run the engine in the SmolVLM app, which is given the NPU’s devices, or outside (smolvlm serve) and enter its address in the engine node.';
    case 'kubernetes':
      return `Give the pod ${wanted.join(' and ')}: by a device plugin, or as hostPath volumes with securityContext.privileged: true.`;
    case 'lxc':
      return `In the container’s configuration on the host: ${wanted.map(lxcLines).join('; ')}. Then restart the container.`;
    case 'other':
      return `Give the container ${wanted.join(' and ')} (${wanted.map((path) => `--device ${path}`).join(' ')} with Docker, Podman or nerdctl).`;
    default:
      return `Start the container with ${wanted.map((path) => `--device ${path}`).join(' ')}.`;
  }
}

/** How the user is permitted to open a node. @param others nodes of the same driver, whose group is joined as well */
export function permitNode(
  container: ContainerKind | undefined,
  node: DeviceNode,
  others: readonly DeviceNode[],
): string {
  const { gid, path } = node;
  if (container !== undefined && gid === unmappedGid) {
    if (container === 'podman') {
      return 'The node’s group is not mapped into this container: add your user to that group on the host, and start the container with --group-add keep-groups.';
    }
    return `The node’s group is not mapped into this container: map it on the host (lxc.idmap; on Proxmox dev0: ${path},gid=GROUP), then restart the container.`;
  }
  if (everyoneMayUse(node) && container !== undefined && container !== 'lxc') {
    return `Its permissions allow it, so a security module of the host (SELinux, AppArmor) refuses it, until ${moduleAllows(container)}.`;
  }
  if (everyoneMayUse(node)) {
    return 'Its permissions allow it, so a security module (SELinux, AppArmor) refuses it: look for “denied” in dmesg or the audit log.';
  }
  if (gid === 0 || !groupMayUse(node)) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return `No group may use it: on the host, put KERNEL=="${name}", GROUP="video", MODE="0660" into /etc/udev/rules.d/99-rknpu.rules, reboot, and add this user to the group video.`;
  }
  if (container === undefined || container === 'lxc') {
    const groups = sharedGroups(node, others);
    const nameless = new Set(groups.filter(({ group }) => group === undefined).map(({ gid }) => gid));
    const made = [...nameless].map((gid) => `sudo groupadd -g ${gid} ${madeGroup(gid)}, then `).join('');
    const names = [...new Set(groups.map(({ group, gid }) => group ?? madeGroup(gid)))].join(',');
    return `This user may not use it: ${made}sudo usermod -aG ${names} USER, then restart the program.`;
  }
  return container === 'kubernetes'
    ? `This user may not use it: give the pod securityContext.supplementalGroups: [${groupIds(node, others).join(', ')}].`
    : `This user may not use it: start the container with ${groupOptions(node, others)}.`;
}

/** Name for a group that has none on this machine. */
function madeGroup(gid: number): string {
  return `npu${gid}`;
}

function sharedGroups(node: DeviceNode, others: readonly DeviceNode[]): readonly DeviceNode[] {
  return [node, ...others.filter(groupMayUse)].filter((each) => each.gid !== 0);
}

function groupIds(node: DeviceNode, others: readonly DeviceNode[]): readonly number[] {
  return [...new Set(sharedGroups(node, others).map((each) => each.gid))];
}

function groupOptions(node: DeviceNode, others: readonly DeviceNode[]): string {
  return groupIds(node, others)
    .map((id) => `--group-add ${id}`)
    .join(' ');
}

/**
 * Why root is refused: not by the permissions alone, unless it lacks the capability that overrides them.
 * @param others nodes of the same driver, whose group is joined as well
 */
export function permitRoot(
  container: ContainerKind | undefined,
  node: DeviceNode,
  others: readonly DeviceNode[],
): string {
  if (container === undefined || container === 'lxc') {
    return 'Root is refused: by a security module (SELinux, AppArmor; look for “denied” in dmesg or the audit log), or because the service has no CAP_DAC_OVERRIDE (add its group, SupplementaryGroups=video).';
  }
  const module = moduleAllows(container);
  const group =
    container === 'kubernetes'
      ? `securityContext.supplementalGroups: [${groupIds(node, others).join(', ')}]`
      : groupOptions(node, others);
  return `Root is refused: by a security module of the host (AppArmor, SELinux: “denied” in the host’s dmesg or audit log) until ${module}; or, with CAP_DAC_OVERRIDE dropped, by the node’s group (${group}).`;
}

/** What has the host's security module allow a device to a container. */
function moduleAllows(container: ContainerKind): string {
  return container === 'kubernetes'
    ? 'the pod’s securityContext.appArmorProfile or seLinuxOptions allow the device'
    : 'the container is started with --security-opt apparmor=unconfined, or label=disable for SELinux';
}

/** Whether the permissions allow it to everyone. */
export function everyoneMayUse({ mode }: DeviceNode): boolean {
  return (Number.parseInt(mode, 8) & 0o006) === 0o006;
}

function groupMayUse({ mode }: DeviceNode): boolean {
  return (Number.parseInt(mode, 8) & 0o060) === 0o060;
}

/** The nodes of the DRM build come in pairs: while a pair is not complete, the whole folder is given. */
function wholeSet(nodes: readonly string[]): readonly string[] {
  if (nodes.includes('/dev/rknpu')) return ['/dev/rknpu', '/dev/dma_heap'];
  return nodes.some((path) => path.startsWith('/dev/dri/card')) || nodes.includes('/dev/dma_heap')
    ? nodes
    : ['/dev/dri'];
}

function lxcLines(path: string): string {
  const minor = /^\/dev\/dri\/(?:card|renderD)(\d+)$/.exec(path)?.[1];
  const folder = path === '/dev/dri' || path === '/dev/dma_heap';
  const numbers =
    minor !== undefined || path === '/dev/dri'
      ? `${drmMajor}:${minor ?? '*'}`
      : `MAJOR:${folder ? '*' : 'MINOR'}`;
  const mount = `lxc.mount.entry = ${path} ${path.slice(1)} none bind,optional,create=${folder ? 'dir' : 'file'}`;
  const from = numbers.startsWith('MAJOR') ? ` (the numbers that ls -l ${path} shows)` : '';
  return `lxc.cgroup2.devices.allow = c ${numbers} rwm${from}; ${mount}`;
}
