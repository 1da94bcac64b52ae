import type { DoctorCheck } from '../../protocol/doctor-report';
import type { Machine } from '../machine';

/** What a check found, without its name. */
export type Finding = Omit<DoctorCheck, 'id' | 'title'>;

/** What a bad finding stands in the way of. */
export type Purpose = 'captionOnCpu' | 'captionOnNpu' | 'convert';

export interface Check {
  readonly id: string;
  readonly title: string;
  /** A machine it does not apply to has no such line. */
  readonly applies?: (machine: Machine) => boolean;
  readonly judge: (machine: Machine) => Finding;
  /** What cannot be done while this is bad. */
  readonly stops?: readonly Purpose[];
}

export function ok(value: string): Finding {
  return { state: 'ok', value };
}

export function info(value: string, advice?: string): Finding {
  return advice === undefined ? { state: 'info', value } : { state: 'info', value, advice };
}

export function warn(value: string, advice: string): Finding {
  return { state: 'warn', value, advice };
}

export function bad(value: string, advice: string): Finding {
  return { state: 'bad', value, advice };
}

/** Whether the NPU is one that bundles can be made for. */
export function hasNpu({ npu }: Machine): boolean {
  return npu === 'supported';
}

/** Whether it is, and its driver is the one the runtimes work on. */
export function hasVendorNpu(machine: Machine): boolean {
  return hasNpu(machine) && machine.driver.kind === 'vendor';
}
