import { type FindingPhrase, type FindingText, listed, phrase } from '../../protocol/findings/finding-phrase';
import type { ContainerKind } from '../container';
import type { DeviceNode } from '../recording/system-files';

/** The group id that the kernel shows in a user namespace for a group that is not mapped into it. */
export const unmappedGid = 65534;

/** Major number of /dev/dri: a card's minor number is its number, and so is a render node's. */
const drmMajor = 226;

/** How the container is given the NPU's nodes. @param nodes paths; empty when the driver's nodes are not known */
export function admitNodes(container: ContainerKind, nodes: readonly string[]): FindingPhrase {
  const wanted = wholeSet(nodes);
  const options = wanted.map((path) => `--device ${path}`).join(' ');
  switch (container) {
    case 'home-assistant-app':
      return phrase('admitApp');
    case 'kubernetes':
      return phrase('admitPod', {
        nodes: listed('and', wanted),
        setting: 'securityContext.privileged: true',
      });
    case 'lxc':
      return phrase('admitLxc', { lines: listed('semicolon', wanted.map(lxcLines)) });
    case 'other':
      return phrase('admitOther', { nodes: listed('and', wanted), options });
    default:
      return phrase('startContainerWith', { options });
  }
}

/** How the user is permitted to open a node. @param others nodes of the same driver, whose group is joined as well */
export function permitNode(
  container: ContainerKind | undefined,
  node: DeviceNode,
  others: readonly DeviceNode[],
): FindingPhrase {
  const { gid, path } = node;
  if (container !== undefined && gid === unmappedGid) {
    return container === 'podman' ? phrase('mapGroupPodman') : phrase('mapGroupLxc', { path });
  }
  if (everyoneMayUse(node) && container !== undefined && container !== 'lxc') {
    return phrase('hostModuleRefuses', { allowed: moduleAllows(container) });
  }
  if (everyoneMayUse(node)) return phrase('moduleRefuses');
  if (gid === 0 || !groupMayUse(node)) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return phrase('makeGroupRule', { rule: `KERNEL=="${name}", GROUP="video", MODE="0660"` });
  }
  if (container === undefined || container === 'lxc') {
    const groups = sharedGroups(node, others);
    const nameless = new Set(groups.filter(({ group }) => group === undefined).map(({ gid }) => gid));
    const made = [...nameless].map((gid) => `sudo groupadd -g ${gid} ${madeGroup(gid)}`);
    const names = [...new Set(groups.map(({ group, gid }) => group ?? madeGroup(gid)))].join(',');
    return phrase('joinGroups', { commands: listed('then', [...made, `sudo usermod -aG ${names} USER`]) });
  }
  return container === 'kubernetes'
    ? phrase('groupsOfPod', { setting: podGroups(node, others) })
    : phrase('groupsOfContainer', { options: groupOptions(node, others) });
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

function podGroups(node: DeviceNode, others: readonly DeviceNode[]): string {
  return `securityContext.supplementalGroups: [${groupIds(node, others).join(', ')}]`;
}

/**
 * Why root is refused: not by the permissions alone, unless it lacks the capability that overrides them.
 * @param others nodes of the same driver, whose group is joined as well
 */
export function permitRoot(
  container: ContainerKind | undefined,
  node: DeviceNode,
  others: readonly DeviceNode[],
): FindingPhrase {
  if (container === undefined || container === 'lxc') return phrase('rootRefused');
  const group = container === 'kubernetes' ? podGroups(node, others) : groupOptions(node, others);
  return phrase('rootRefusedInContainer', { allowed: moduleAllows(container), group });
}

/** What has the host's security module allow a device to a container. */
function moduleAllows(container: ContainerKind): FindingPhrase {
  return phrase(container === 'kubernetes' ? 'podAllowed' : 'containerAllowed');
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

function lxcLines(path: string): FindingText {
  const minor = /^\/dev\/dri\/(?:card|renderD)(\d+)$/.exec(path)?.[1];
  const folder = path === '/dev/dri' || path === '/dev/dma_heap';
  const numbers =
    minor !== undefined || path === '/dev/dri'
      ? `${drmMajor}:${minor ?? '*'}`
      : `MAJOR:${folder ? '*' : 'MINOR'}`;
  const mount = `lxc.mount.entry = ${path} ${path.slice(1)} none bind,optional,create=${folder ? 'dir' : 'file'}`;
  const line = `lxc.cgroup2.devices.allow = c ${numbers} rwm`;
  return numbers.startsWith('MAJOR') ? phrase('lxcNumbers', { line, path, mount }) : `${line}; ${mount}`;
}
