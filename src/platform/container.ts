import type { SystemFiles } from './recording/system-files';

/** The container that this process runs in. `home-assistant-app`: its user cannot give it devices. */
export type ContainerKind = 'home-assistant-app' | 'docker' | 'podman' | 'kubernetes' | 'lxc';

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
  if (named === 'lxc' || files.has('/dev/.lxc')) return 'lxc';
  return named === 'docker' || named === 'podman' ? named : undefined;
}
