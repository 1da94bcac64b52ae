import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RknnVisionBackend } from '../../../backends/rknn/rknn-vision-backend';
import type { StageRunner } from '../../../backends/stage-runner';
import type { BundleStage } from '../../../model/bundle/bundle-manifest';
import type { ModelConfig } from '../../../model/checkpoint/model-config';
import { visionStages } from '../../../onnx/vision/vision-stages';
import { StagePipeline } from '../../../vision/stage-pipeline';
import { buildEmulator } from './build-emulator';
import { writePassStage } from './emulated-stage';

export interface ScheduleOptions {
  readonly cores: number;
  readonly tiles: number;
  /** Modelled time of each stage, milliseconds; with equal ones the ratio's limit is the number of cores. */
  readonly stageMs: number;
  /** Stages pass the stream on in shared memory. */
  readonly zeroCopy?: boolean;
  readonly signal?: AbortSignal;
}

/** A stage's run as recorded by the emulator, milliseconds from the first start. */
export interface StageRun {
  readonly stage: string;
  readonly core: number;
  readonly start: number;
  readonly end: number;
}

export interface ScheduleBenchmark {
  /** All tiles one after the other. */
  readonly sequentialMs: number;
  /** All tiles as the pipeline keeps them in flight. */
  readonly pipelinedMs: number;
  /** sequential ÷ pipelined */
  readonly ratio: number;
  /** One tile alone, on the pipeline of many ÷ a tile of the sequential run. */
  readonly singleTileOverhead: number;
  /** Share of the pipelined time that each core worked. */
  readonly cores: readonly number[];
  readonly timeline: readonly StageRun[];
}

/** 24 half-layers of 4 tokens: the data is negligible, the time is the emulator's. */
const config = {
  vision: {
    ...{ hiddenSize: 8, heads: 2, intermediateSize: 16, layers: 12, layerNormEps: 1e-6, channels: 3 },
    ...{ hiddenAct: 'gelu_pytorch_tanh', patchSize: 16, imageSize: 32 },
  },
  text: { hiddenSize: 8 },
  scaleFactor: 1,
} as unknown as ModelConfig;

/** Runs the NPU's schedule on the timed emulator: the same pipeline and binding as on a board, without its arithmetic. */
export async function benchmarkSchedule(options: ScheduleOptions): Promise<ScheduleBenchmark> {
  const { cores, tiles, stageMs } = options;
  const library = await buildEmulator('rknn');
  const dir = await mkdtemp(join(tmpdir(), 'smolvlm-schedule-'));
  const environment = {
    RKNN_EMULATOR: 'timed',
    RKNN_EMULATOR_CORES: String(cores),
    RKNN_EMULATOR_TRACE: join(dir, 'trace'),
  };
  const saved = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  const backend = await RknnVisionBackend.load({
    library,
    cores,
    lockPath: join(dir, 'lock'),
    zeroCopy: options.zeroCopy === true,
  });
  try {
    const stages: BundleStage[] = [];
    for (const { name, halves } of visionStages(config.vision.layers, 'half-layer')) {
      const core = (halves[0]?.layer ?? 0) % cores;
      stages.push(
        await writePassStage(dir, name, config, { residualScale: 1, core, durationUs: stageMs * 1000 }),
      );
    }
    const runners: StageRunner[] = [];
    for (const stage of stages) runners.push(await backend.openStage(dir, stage));
    const linked = await backend.link(runners);
    const timed = async (inFlight: number, count: number): Promise<number> => {
      const started = performance.now();
      await runTiles(new StagePipeline(linked, inFlight), count, options.signal);
      return performance.now() - started;
    };
    await timed(1, 1);
    const singleMs = await timed(2 * cores + 1, 1);
    const sequentialMs = await timed(1, tiles);
    await rm(environment.RKNN_EMULATOR_TRACE, { force: true });
    const pipelinedMs = await timed(2 * cores + 1, tiles);
    const timeline = await readTimeline(environment.RKNN_EMULATOR_TRACE);
    const span = Math.max(...timeline.map(({ end }) => end));
    return {
      sequentialMs,
      pipelinedMs,
      ratio: sequentialMs / pipelinedMs,
      singleTileOverhead: singleMs / (sequentialMs / tiles),
      cores: Array.from({ length: cores }, (_, core) => busy(timeline, core) / span),
      timeline,
    };
  } finally {
    await backend.close();
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(dir, { recursive: true, force: true });
  }
}

function runTiles(pipeline: StagePipeline, tiles: number, signal?: AbortSignal): Promise<void> {
  const { hiddenSize } = config.vision;
  return pipeline.run(
    tiles,
    async (tile) => new Float32Array(4 * hiddenSize).fill(tile),
    async () => undefined,
    signal ? { signal } : {},
  );
}

async function readTimeline(path: string): Promise<readonly StageRun[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.includes('"core"'));
  const runs = lines.map((line) => JSON.parse(line) as StageRun);
  const first = Math.min(...runs.map(({ start }) => start));
  return runs.map((run) => ({ ...run, start: (run.start - first) / 1000, end: (run.end - first) / 1000 }));
}

function busy(timeline: readonly StageRun[], core: number): number {
  return timeline.filter((run) => run.core === core).reduce((sum, { start, end }) => sum + end - start, 0);
}

/** The timeline as an SVG: a row a core, a box a stage, coloured by layer. */
export function timelineSvg({ timeline, ratio, cores }: ScheduleBenchmark): string {
  const span = Math.max(...timeline.map(({ end }) => end));
  const [left, width, row] = [60, 1100, 44];
  const x = (ms: number): number => Math.round(10 * (left + (width * ms) / span)) / 10;
  const boxes = timeline.map(({ stage, core, start, end }) => {
    const layer = Number(/^l(\d+)_/.exec(stage)?.[1] ?? 0);
    const fill = `hsl(${layer * 30} 60% ${stage.endsWith('_attn') ? 55 : 70}%)`;
    return `<rect x="${x(start)}" y="${40 + core * row}" width="${Math.max(0.5, x(end) - x(start) - 0.3)}" height="${row - 10}" fill="${fill}"><title>${stage} ${start.toFixed(1)}–${end.toFixed(1)} ms</title></rect>`;
  });
  const labels = cores.map(
    (share, core) =>
      `<text x="8" y="${62 + core * row}">core ${core}</text><text x="${left + width + 6}" y="${62 + core * row}">${Math.round(100 * share)} %</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 60} ${60 + cores.length * row}" font-family="sans-serif" font-size="13">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="8" y="22">13 tiles through 24 equal stages on the timed emulator: ${span.toFixed(0)} ms, ${ratio.toFixed(2)} times faster than one after the other. Colours: layers.</text>`,
    ...boxes,
    ...labels,
    '</svg>\n',
  ].join('\n');
}
