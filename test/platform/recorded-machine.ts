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
] as const;

export type RecordedMachine = (typeof recordedMachines)[number];

export function recordedFiles(name: RecordedMachine): SystemFiles {
  return new SystemFiles(fixture('machines', name));
}

/** The files of a recorded machine. */
export function recordedMachine(name: RecordedMachine): Machine {
  return readMachine(recordedFiles(name));
}
