import type { DoctorCheck } from '../../protocol/doctor-report';
import { defined } from '../../system/defined';
import type { Machine } from '../machine';

/** The result of a check, without its name. */
export type Finding = Omit<DoctorCheck, 'id' | 'title'>;

/** What a bad finding prevents. */
export type Purpose = 'captionOnCpu' | 'captionOnNpu' | 'convert';

export interface Check {
  readonly id: string;
  readonly title: string;
  /** Where it is false, the report has no line for this check. */
  readonly applies?: (machine: Machine) => boolean;
  readonly judge: (machine: Machine) => Finding;
  /** What cannot be done while this is bad. */
  readonly stops?: readonly Purpose[];
}

export function ok(value: string): Finding {
  return { state: 'ok', value };
}

export function info(value: string, advice?: string): Finding {
  return { state: 'info', value, ...defined({ advice }) };
}

export function warn(value: string, advice: string): Finding {
  return { state: 'warn', value, advice };
}

export function bad(value: string, advice: string): Finding {
  return { state: 'bad', value, advice };
}

/** Whether the NPU is supported. */
export function hasNpu({ npu }: Machine): boolean {
  return npu === 'supported';
}

/** Whether the NPU is supported and has the driver that the runtimes need. */
export function hasVendorNpu(machine: Machine): boolean {
  return hasNpu(machine) && machine.driver.kind === 'vendor';
}
