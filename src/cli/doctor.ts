import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { SmolvlmError } from '../errors';
import { diagnose } from '../platform/doctor/diagnose';
import { SystemRecorder } from '../platform/recording/system-recorder';
import { recordingName, writeRecording } from '../platform/recording/system-recording';
import type { DoctorCheck, DoctorReport } from '../protocol/doctor-report';
import { readJsonObject } from '../system/json/json-fields';
import { type JudgedRow, judgeBoardReport } from './bench/board/board-checklist';
import { ReportReader } from './bench/board/report-reader';
import { type Command, type CommandIo, optionalString } from './command/command';

/** `smolvlm doctor`: what this machine has and what is missing. */
export const command: Command = {
  summary: 'Show what this machine has and what is missing for captions, with advice',
  usage: [
    'doctor [--model BUNDLE] [--record DIR] [--root DIR]',
    '  smolvlm doctor --report FILE',
    '--model compares a bundle with the machine. --record saves everything that was examined, to attach to a report;',
    '--root examines a recorded machine instead of this one.',
    '--report compares a report of smolvlm bench --board, row by row, with docs/board-checklist.md.',
    'Exits with status 1 if any check is bad.',
  ].join('\n'),
  options: {
    model: { type: 'string' },
    record: { type: 'string' },
    root: { type: 'string' },
    report: { type: 'string' },
  },
  async run(values, _positionals, io) {
    const boardReport = optionalString(values, 'report');
    if (boardReport !== undefined) return judgeReport(boardReport, io);
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

/** @throws SmolvlmError `doctor-report` for a file that is not a report of `bench --board` */
async function judgeReport(path: string, io: CommandIo): Promise<number> {
  const fault = (message: string): SmolvlmError =>
    new SmolvlmError('doctor-report', `--report: ${path}: ${message}`, {
      hint: 'Give the file that smolvlm bench --board --out FILE wrote.',
    });
  const json = await readJsonObject(path, fault);
  if (!json) throw fault('the file does not exist');
  const reader = new ReportReader(json);
  if (reader.at('contexts') === undefined || reader.at('doctor') === undefined)
    throw fault('expected the parts doctor, contexts, validation, passes, captions and rkllm');
  const rows = judgeBoardReport(reader);
  io.result({ rows }, boardReportText(rows));
  return rows.some(({ state }) => state === 'bad') ? 1 : 0;
}

function boardReportText(rows: readonly JudgedRow[]): string {
  const lines = rows.flatMap(({ row, title, state, found, expected, next }) => [
    `${state.padEnd(4)}  ${String(row).padStart(2)}  ${title}: ${found}`,
    ...(state === 'ok' ? [] : [`          expected: ${expected}`]),
    ...(next === undefined ? [] : [`          → ${next}`]),
  ]);
  const of = (state: DoctorCheck['state']): number => rows.filter((each) => each.state === state).length;
  const first = rows.find(({ state }) => state === 'bad') ?? rows.find(({ state }) => state === 'warn');
  const next = first
    ? `Start with row ${first.row}: ${first.next}`
    : 'Everything measured is as it should be: choose the bundle in the engine node.';
  return [
    ...lines,
    '',
    `${of('ok')} rows as expected, ${of('warn')} with limitations, ${of('bad')} bad, ${of('info')} for information. ${next}`,
  ].join('\n');
}

/** @throws SmolvlmError `doctor-root` when there is no such folder */
function folderOf(root: string | undefined): string {
  if (root === undefined) return '/';
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory()) return resolve(root);
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
