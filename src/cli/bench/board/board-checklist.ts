import type { DoctorState } from '../../../protocol/doctor-report';
import { isJsonObject } from '../../../system/json/json-fields';
import { captionRows } from './checklist-captions';
import { type ChecklistRow, type Judgement, judged, notMeasured } from './checklist-row';
import { speedRows } from './checklist-speed';
import type { ReportReader } from './report-reader';

/** A row of docs/board-checklist.md with a board's value. */
export interface JudgedRow extends Judgement {
  readonly row: number;
  readonly title: string;
}

/** Bytes that 24 fp16 stages of SmolVLM-256M may take on the NPU, weights and scratch. */
const mostNpuBytes = 600e6;

const rknnFormatUndefined = 3;
const rknnTypeFloat16 = 1;

/** Rows 1 to 7: the machine, the library, the values. */
const machineRows: readonly ChecklistRow[] = [
  { row: 1, title: 'The machine', part: 'doctor', judge: judgeMachine },
  { row: 2, title: 'Contexts at once', part: 'contexts', judge: judgeContexts },
  { row: 3, title: 'Priority of the process', part: 'contexts', judge: judgePriority },
  { row: 4, title: 'Tensor format', part: 'contexts', judge: judgeFormat },
  { row: 5, title: 'Native input', part: 'contexts', judge: judgeNativeInput },
  { row: 6, title: 'Core masks', part: 'contexts', judge: judgeMasks },
  { row: 7, title: 'Values of the stages', part: 'validation', judge: judgeValues },
];

/** Compares a report of `smolvlm bench --board` with what docs/board-checklist.md expects, row by row. */
export function judgeBoardReport(report: ReportReader): readonly JudgedRow[] {
  return [...machineRows, ...speedRows, ...captionRows].map(({ row, title, part, judge }) => {
    const fault = report.fault(part);
    if (fault) {
      const next = fault.hint ?? 'Look at the error in the report, and measure again.';
      return { row, title, ...judged('bad', fault.message, 'a result', next) };
    }
    const found = report.at(`${part}.found`) === undefined ? undefined : judge(report);
    return { row, title, ...(found ?? notMeasured) };
  });
}

function judgeMachine(report: ReportReader): Judgement {
  const checks = report.at('doctor.found.checks');
  const all = Array.isArray(checks) ? checks.filter(isJsonObject) : [];
  const bad = all.find(({ state }) => state === 'bad');
  if (bad)
    return judged(
      'bad',
      `${bad.title}: ${bad.value}`,
      'no red line',
      String(bad.advice ?? 'Run smolvlm doctor.'),
    );
  const state: DoctorState = report.at('doctor.found.can.captionOnNpu') === true ? 'ok' : 'bad';
  const found = `${all.length} checks, captions on the NPU: ${state === 'ok' ? 'yes' : 'no'}`;
  return judged(
    state,
    found,
    'no red line, captions on the NPU',
    'Run smolvlm doctor on the board: this machine has no usable NPU.',
  );
}

function judgeContexts(report: ReportReader): Judgement | undefined {
  const contexts = report.number('contexts.found.contexts');
  const bytes = report.number('contexts.found.npu_bytes');
  if (contexts === undefined || bytes === undefined) return undefined;
  const stages = report.number('bundle.stages') ?? 24;
  const fits = contexts === stages && bytes < mostNpuBytes;
  return judged(
    fits ? 'ok' : 'warn',
    `${contexts}, ${Math.round(bytes / 1e6)} MB`,
    `${stages}, fewer than ${mostNpuBytes / 1e6} MB`,
    'Convert with --granularity layer, or set SMOLVLM_NPU_SHARED_SCRATCH=1.',
  );
}

function judgePriority(report: ReportReader): Judgement | undefined {
  const [before, after] = ['before', 'after'].map((when) =>
    report.numbers(`contexts.found.process.${when}.nice`),
  );
  if (!before?.length || !after?.length) return undefined;
  const kept = before.join() === after.join() && !after.includes(-19);
  return judged(
    kept ? 'ok' : 'warn',
    `${before.join(', ')} before, ${after.join(', ')} after`,
    'the same values, no -19',
    'Send us the report: the engine must then set its own priority. Until then, start it with nice.',
  );
}

function judgeFormat(report: ReportReader): Judgement | undefined {
  const format = report.number('contexts.found.first_stage.input.format');
  const type = report.number('contexts.found.first_stage.input.type');
  if (format === undefined || type === undefined) return undefined;
  const dims = report.numbers('contexts.found.first_stage.input.dims');
  const asExpected = format === rknnFormatUndefined && type === rknnTypeFloat16 && dims.length === 3;
  return judged(
    asExpected ? 'ok' : 'warn',
    `format ${format}, type ${type}, [${dims.join(', ')}]`,
    'format 3 (undefined), type 1 (fp16), three dimensions',
    'Send us the report: these numbers decide which format the input is given in. If row 7 is ok, nothing needs to be done.',
  );
}

function judgeNativeInput(report: ReportReader): Judgement | undefined {
  const bytes = report.number('contexts.found.first_stage.native_input.bytesWithStride');
  const dims = report.numbers('contexts.found.first_stage.input.dims');
  if (bytes === undefined || dims.length === 0) return undefined;
  const expected = 2 * dims.reduce((product, size) => product * size, 1);
  const next = 'Nothing to do: zero-copy switches itself off.';
  return judged(bytes === expected ? 'ok' : 'info', `${bytes} bytes`, `${expected} bytes (fp16)`, next);
}

function judgeMasks(report: ReportReader): Judgement | undefined {
  const { cores } = report;
  const masks = report.at('contexts.found.core_masks');
  if (!isJsonObject(masks)) return undefined;
  const accepted = Object.keys(masks).filter((mask) => masks[mask] === 'accepted');
  const found = `accepted: ${accepted.join(', ')}`;
  if (cores === undefined)
    return judged('info', found, 'depends on the chip, which the report does not name');
  const expected = cores >= 3 ? ['0', '1', '2', '4', '7'] : ['0', '1', '2'];
  const missing = expected.filter((mask) => !accepted.includes(mask));
  const wanted = `at least ${expected.join(', ')} with ${cores} cores`;
  // librknnrt 1.4 refuses several cores for a model of an older compiler.
  if (missing.join() === '7') {
    return judged('info', found, wanted, 'Nothing to do: each stage runs on one core.');
  }
  return judged(
    missing.length === 0 ? 'ok' : 'bad',
    found,
    wanted,
    `Set SMOLVLM_NPU_CORES to the cores that work, e.g. ${accepted.includes('1') ? '0-0' : '1-1'}.`,
  );
}

function judgeValues(report: ReportReader): Judgement | undefined {
  const pass = report.at('validation.found.pass');
  const cosine = report.number('validation.found.end_to_end_cosine');
  if (typeof pass !== 'boolean' || cosine === undefined) return undefined;
  return judged(
    pass ? 'ok' : 'bad',
    `${pass ? 'passes' : 'fails'}, cosine ${cosine.toFixed(6)}`,
    'passes, within 0.0005 of the simulator’s',
    'Compare toolkit and runtime in row 1; if they are the same, convert with --precision fp16.',
  );
}
