import { type ChecklistRow, type Judgement, judged } from './checklist-row';
import type { ReportReader } from './report-reader';

/** Milliseconds that a stage of SmolVLM-256M may take; the vendor's whole tower takes 842 ms. */
const usualStageMs = 40;
/** A stage this much slower than the median runs on the CPU, or shares its core. */
const outlier = 4;
/** Ratio of sequential to pipelined for 13 tiles: the best possible is 2.89 on three cores, 1.97 on two. */
const leastRatio: Readonly<Record<number, number>> = { 3: 2.3, 2: 1.6 };

const safe = 'passes.found.ways.safe';

/** Rows 8 to 12: times and heat. None of them is `bad`: a slow board works. */
export const speedRows: readonly ChecklistRow[] = [
  { row: 8, title: 'Time of the stages', part: 'passes', judge: judgeStages },
  { row: 9, title: 'Cores at the same time', part: 'passes', judge: judgeRatio },
  { row: 10, title: 'Zero-copy', part: 'passes', judge: judgeZeroCopy },
  { row: 11, title: 'Shared scratch memory', part: 'passes', judge: judgeScratch },
  { row: 12, title: 'Temperature', part: 'passes', judge: judgeTemperature },
];

function judgeStages(report: ReportReader): Judgement | undefined {
  const times = [...report.numbers(`${safe}.one_tile.stages_ms`)].sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)];
  const slowest = times.at(-1);
  if (median === undefined || slowest === undefined) return undefined;
  const usual = median <= usualStageMs && slowest <= Math.max(usualStageMs, outlier * median);
  return judged(
    usual ? 'ok' : 'warn',
    `${times.length} stages, median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`,
    `median at most ${usualStageMs} ms, all similar`,
    'Look at the clocks and governors of NPU and memory in row 1 (performance while it captions), and at other programs on the NPU.',
  );
}

function judgeRatio(report: ReportReader): Judgement | undefined {
  const ratio = report.number(`${safe}.ratio`);
  if (ratio === undefined) return undefined;
  const cores = report.cores ?? 3;
  const least = leastRatio[cores] ?? 1;
  return judged(
    ratio >= least ? 'ok' : 'warn',
    ratio.toFixed(2),
    `at least ${least} with ${cores} cores`,
    'The cores wait for memory, or for another program: see the memory clock in row 1.',
  );
}

function judgeZeroCopy(report: ReportReader): Judgement | undefined {
  const way = 'passes.found.ways.zero_copy';
  const refused = report.at(`${way}.refused`);
  const [ms, safeMs] = [report.number(`${way}.one_tile.ms`), report.number(`${safe}.one_tile.ms`)];
  if (Array.isArray(refused) && refused.length > 0) {
    return judged(
      'info',
      `refused: ${refused.join('; ')}`,
      'not refused',
      'Nothing to do: the safe path is used.',
    );
  }
  if (ms === undefined || safeMs === undefined) return undefined;
  return judged(
    ms < safeMs ? 'ok' : 'info',
    `${ms.toFixed(0)} ms a tile, safe path ${safeMs.toFixed(0)} ms`,
    'less than the safe path',
    'Leave SMOLVLM_NPU_ZERO_COPY off.',
  );
}

function judgeScratch(report: ReportReader): Judgement | undefined {
  const ms = report.number('passes.found.ways.shared_scratch.one_tile.ms');
  const safeMs = report.number(`${safe}.one_tile.ms`);
  if (ms === undefined || safeMs === undefined) return undefined;
  return judged(
    ms <= safeMs * 1.2 ? 'ok' : 'info',
    `${ms.toFixed(0)} ms a tile, safe path ${safeMs.toFixed(0)} ms`,
    'about as long as the safe path',
    'Leave SMOLVLM_NPU_SHARED_SCRATCH off unless row 2 needs it.',
  );
}

function judgeTemperature(report: ReportReader): Judgement | undefined {
  const celsius = report.number('passes.found.temperature.after.celsius');
  if (celsius === undefined) return undefined;
  const limit = report.number('passes.found.temperature.after.throttlesAtCelsius') ?? 85;
  return judged(
    celsius < limit ? 'ok' : 'warn',
    `${celsius.toFixed(0)} °C`,
    `below ${limit} °C`,
    'Add a heat sink or a fan, or send fewer frames.',
  );
}
