import type { SystemFiles } from './recording/system-files';

/** The container that this process runs in. `home-assistant-app`: its user cannot give it devices. */
export type ContainerKind = 'home-assistant-app' | 'docker' | 'podman' | 'kubernetes' | 'lxc';

const groupContainers: Readonly<Record<string, ContainerKind>> = {
  docker: 'docker',
  kubepods: 'kubernetes',
  lxc: 'lxc',
  libpod: 'podman',
};

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
  const group = files.match('/proc/1/cgroup', /\/(docker|kubepods|lxc|libpod)[/-]/)?.[1];
  return group === undefined ? undefined : groupContainers[group];
}
