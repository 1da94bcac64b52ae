import type { DoctorCheck, DoctorReport } from '../../protocol/doctor-report';
import type { Machine } from '../machine';
import { type Check, hasVendorNpu, type Purpose, worded } from './finding';
import { memoryChecks } from './memory-checks';
import { npuChecks } from './npu-checks';
import { packageChecks } from './package-checks';
import { runtimeChecks } from './runtime-checks';
import { speedChecks } from './speed-checks';
import { systemChecks } from './system-checks';
import { canConvert, toolChecks } from './tool-checks';

/** In the order of a report: a cause comes before its effects. */
export const doctorChecks: readonly Check[] = [
  ...systemChecks,
  ...npuChecks,
  ...runtimeChecks,
  ...packageChecks,
  ...memoryChecks,
  ...speedChecks,
  ...toolChecks,
];

/** Judges what was found on a machine. */
export function examine(machine: Machine): DoctorReport {
  const checks: DoctorCheck[] = [];
  const stopped = new Set<Purpose>();
  for (const { id, title, applies, judge, stops = [] } of doctorChecks) {
    if (applies && !applies(machine)) continue;
    const finding = judge(machine);
    checks.push({ id, title, ...worded(finding) });
    if (finding.state === 'bad') for (const purpose of stops) stopped.add(purpose);
  }
  return {
    checks,
    can: {
      captionOnCpu: !stopped.has('captionOnCpu'),
      captionOnNpu: hasVendorNpu(machine) && !stopped.has('captionOnNpu'),
      convert: canConvert(machine) && !stopped.has('convert'),
    },
  };
}
