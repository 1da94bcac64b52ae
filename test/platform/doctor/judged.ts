import assert from 'node:assert/strict';
import { examine } from '../../../src/platform/doctor/examine';
import type { Machine } from '../../../src/platform/machine';
import type { DoctorCheck } from '../../../src/protocol/doctor-report';
import { type RecordedMachine, recordedMachine } from '../recorded-machine';

/** One check's result for a recorded machine with changes. */
export function judged(id: string, name: RecordedMachine, otherwise: Partial<Machine>): DoctorCheck {
  const { checks } = examine({ ...recordedMachine(name), ...otherwise });
  const check = checks.find((each) => each.id === id);
  assert.ok(check, `the report has no ${id}`);
  return check;
}
