import type { DoctorCheck } from '../../protocol/doctor-report';
import { englishText, type FindingText } from '../../protocol/findings/finding-phrase';
import type { Machine } from '../machine';

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

/** The result of a check. */
export interface Finding {
  readonly state: DoctorCheck['state'];
  readonly value: FindingText;
  readonly advice?: FindingText;
}

export function ok(value: FindingText): Finding {
  return { state: 'ok', value };
}

export function info(value: FindingText, advice?: FindingText): Finding {
  return { state: 'info', value, ...(advice !== undefined && { advice }) };
}

export function warn(value: FindingText, advice: FindingText): Finding {
  return { state: 'warn', value, advice };
}

export function bad(value: FindingText, advice: FindingText): Finding {
  return { state: 'bad', value, advice };
}

/** A finding as a report has it: in English, with the phrases for other languages. */
export function worded({ state, value, advice }: Finding): Omit<DoctorCheck, 'id' | 'title'> {
  return {
    state,
    value: englishText(value),
    ...(typeof value === 'object' && { valuePhrase: value }),
    ...(advice !== undefined && { advice: englishText(advice) }),
    ...(typeof advice === 'object' && { advicePhrase: advice }),
  };
}

/** Whether the NPU is supported. */
export function hasNpu({ npu }: Machine): boolean {
  return npu === 'supported';
}

/** Whether the NPU is supported and has the driver that the runtimes need. */
export function hasVendorNpu(machine: Machine): boolean {
  return hasNpu(machine) && machine.driver.kind === 'vendor';
}
