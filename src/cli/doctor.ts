import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SmolvlmError } from '../errors';
import { diagnose } from '../platform/doctor/diagnose';
import { SystemRecorder } from '../platform/recording/system-recorder';
import { recordingName, writeRecording } from '../platform/recording/system-recording';
import type { DoctorCheck, DoctorReport } from '../protocol/doctor-report';
import { type Command, optionalString, UsageError } from './command';

/** `smolvlm doctor`: what this machine has and what is missing. */
export const command: Command = {
  summary: 'Show what this machine has and what is missing for captions, with advice',
  usage: [
    'doctor [--model BUNDLE] [--record DIR] [--root DIR]',
    '--model compares a bundle with the machine. --record saves everything that was examined, to attach to a report;',
    '--root examines a recorded machine instead of this one.',
    'Exits with status 1 if any check is bad.',
  ].join('\n'),
  options: { model: { type: 'string' }, record: { type: 'string' }, root: { type: 'string' } },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`doctor: unexpected "${positionals[0]}"`);
    const root = optionalString(values, 'root');
    const model = optionalString(values, 'model');
    const folder = optionalString(values, 'record');
    const files = new SystemRecorder(folderOf(root));
    const report = await diagnose(model === undefined ? [] : [model], files);
    if (folder !== undefined) {
      await writeRecording(resolve(folder), files.recording);
      io.log(`recorded in ${resolve(folder, recordingName)}: read it before you send it to anyone`);
    }
    io.result(report, reportText(report));
    return report.checks.some(({ state }) => state === 'bad') ? 1 : 0;
  },
};

/** @throws SmolvlmError `doctor-root` when there is no such folder */
function folderOf(root: string | undefined): string {
  if (root === undefined) return '/';
  if (existsSync(root)) return resolve(root);
  throw new SmolvlmError('doctor-root', `--root: expected a folder, found none at ${root}`, {
    hint: 'Give the folder of a recorded machine, or leave --root out to examine this one.',
  });
}

function reportText({ checks, can }: DoctorReport): string {
  const widthOf = (column: (check: DoctorCheck) => string): number =>
    Math.max(...checks.map((check) => column(check).length));
  const [states, titles] = [widthOf(({ state }) => state), widthOf(({ title }) => title)];
  const lines = checks.flatMap(({ state, title, value, advice }) => [
    `${state.padEnd(states)}  ${title.padEnd(titles)}  ${value}`,
    ...(advice === undefined ? [] : [`${' '.repeat(states)}  ${' '.repeat(titles)}  → ${advice}`]),
  ]);
  const yes = (can: boolean): string => (can ? 'yes' : 'no');
  return [
    ...lines,
    '',
    `Captions on the CPU: ${yes(can.captionOnCpu)}. On the NPU: ${yes(can.captionOnNpu)}. Conversion for an NPU: ${yes(can.convert)}.`,
  ].join('\n');
}
