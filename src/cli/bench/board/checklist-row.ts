import type { DoctorState } from '../../../protocol/doctor-report';
import { defined } from '../../../system/defined';
import type { ReportReader } from './report-reader';

/** A measured value against what it should be. */
export interface Judgement {
  readonly state: DoctorState;
  readonly found: string;
  readonly expected: string;
  /** What to do; absent when it is as it should be. */
  readonly next?: string;
}

export interface ChecklistRow {
  /** Number of the row in docs/board-checklist.md. */
  readonly row: number;
  readonly title: string;
  /** The part of the report that it is in. */
  readonly part: string;
  /** @returns undefined when the report lacks the value */
  readonly judge: (report: ReportReader) => Judgement | undefined;
}

export const notMeasured: Judgement = {
  state: 'info',
  found: 'not measured',
  expected: 'a value',
  next: 'Run smolvlm bench --board again with this version.',
};

/** @param next what to do unless the state is `ok` */
export function judged(state: DoctorState, found: string, expected: string, next?: string): Judgement {
  return { state, found, expected, ...defined({ next: state === 'ok' ? undefined : next }) };
}
