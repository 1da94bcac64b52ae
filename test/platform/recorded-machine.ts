import { type Machine, readMachine } from '../../src/platform/machine';
import { SystemFiles } from '../../src/platform/recording/system-files';
import { fixture } from '../fixtures';

export const recordedMachines = [
  'rk3588-vendor',
  'rk3588-docker',
  'rk3588-mainline',
  'rk3582',
  'rk3576',
  'x86',
  'home-assistant',
  'card-without-render-node',
  'group-video-only',
  'group-render-only',
  'docker-card-only',
  'docker-render-node-only',
  'lxc-no-cgroup-allow',
  'lxc-nodes-blocked',
  'lxc-unmapped-group',
  'frigate-on-card1',
  'armbian-vendor',
  'ubuntu-rockchip',
  'debian-13-rocket',
  'talos',
  'haos-rk3588',
  'podman-selinux',
  'snap-node-red',
  'librknnrt-truncated',
  'librknnrt-32-bit',
  'node-32-bit',
  'proc-hidepid',
  'systemd-private-devices',
  'sys-hidden',
  'drm-links-missing',
  'home-assistant-app-npu',
  'frigate-and-rkllm',
  'ubuntu-without-driver',
] as const;

export type RecordedMachine = (typeof recordedMachines)[number];

export function recordedFiles(name: RecordedMachine): SystemFiles {
  return new SystemFiles(fixture('machines', name));
}

/** The files of a recorded machine. */
export function recordedMachine(name: RecordedMachine): Machine {
  return readMachine(recordedFiles(name));
}
