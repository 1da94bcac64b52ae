import type { SystemFiles } from './recording/system-files';

/**
 * The container that this process runs in. `home-assistant-app`: its user cannot give it devices; `other`: a container
 * that nothing names.
 */
export type ContainerKind = 'home-assistant-app' | 'docker' | 'podman' | 'kubernetes' | 'lxc' | 'other';

const groupContainers: Readonly<Record<string, ContainerKind>> = {
  docker: 'docker',
  kubepods: 'kubernetes',
  lxc: 'lxc',
  libpod: 'podman',
};

/** `PROC_PID_INIT_INO` of the kernel's proc_ns.h: the PID namespace of the machine itself. */
const machineNamespace = 'pid:[4026531836]';

/** Files that a container's engine mounts from its own folder; the host's paths of it remain visible. */
const engineMounts: readonly [RegExp, ContainerKind][] = [
  [/^\d+ \d+ \S+ \S*\/etc-hosts \/etc\/hosts /m, 'kubernetes'],
  [/^\d+ \d+ \S+ \S*\/overlay-containers\/\S+ \/etc\/(?:hosts|hostname|resolv\.conf) /m, 'podman'],
  [/^\d+ \d+ \S+ \S*\/containers\/[0-9a-f]{64}\/\S+ \/etc\/(?:hosts|hostname|resolv\.conf) /m, 'docker'],
  [/^\d+ \d+ \S+ \S+ \/proc\/\S+ .* - fuse\.lxcfs /m, 'lxc'],
];

/** @returns undefined outside of a container */
export function containerOf(files: SystemFiles): ContainerKind | undefined {
  // The supervisor gives each of its apps a token.
  if (files.process.environment.SUPERVISOR_TOKEN !== undefined) return 'home-assistant-app';
  if (files.has('/var/run/secrets/kubernetes.io')) return 'kubernetes';
  if (files.has('/.dockerenv')) return 'docker';
  if (files.has('/run/.containerenv')) return 'podman';
  // Written by systemd; LXC sets the variable of the first process, which only root can read.
  const named =
    files.text('/run/systemd/container') ?? files.match('/proc/1/environ', /(?:^|\0)container=(\w+)/)?.[1];
  if (named === 'lxc' || ['/dev/.lxc', '/dev/lxd', '/dev/incus'].some((path) => files.has(path)))
    return 'lxc';
  if (named === 'docker' || named === 'podman') return named;
  // Version 1 of control groups shows the path on the host.
  const group = files.match('/proc/1/cgroup', /\/(docker|kubepods|lxc|libpod)[/.-]/)?.[1];
  if (group !== undefined) return groupContainers[group];
  // Version 2 shows nothing of it; a container without a marker file is recognised by its mounts or its PID namespace.
  const mounted = engineMounts.find(([pattern]) => files.match('/proc/self/mountinfo', pattern))?.[1];
  if (mounted !== undefined) return mounted;
  // systemd-nspawn and others; WSL is a virtual machine.
  if (named !== undefined && named !== 'wsl') return 'other';
  const namespace = files.link('/proc/self/ns/pid');
  return namespace === undefined || namespace === machineNamespace ? undefined : 'other';
}
