import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import { describeBundleFile } from '../../model/bundle/bundle-file';
import type { BundleStage, TensorSpec } from '../../model/bundle/bundle-manifest';
import type { VisionStagePlan } from '../../onnx/vision/vision-stages';
import { defined } from '../../system/defined';
import type { BundlePart } from '../bundle/bundle-folder';
import type { StageWorker } from '../toolkit/toolkit-pool';
import type { BuildResult } from '../toolkit/toolkit-worker';
import { type Agreement, agreement } from './agreement';
import { buildNpuStage, inputOf, type NpuPrecision, type NpuTower, outputOf } from './npu-stage-build';
import type { ValidationReference } from './reference-activations';

/** Minimum cosines to the float32 reference. */
export interface CosineBounds {
  /** Of each stage alone. */
  readonly stage: number;
  /** Of the stream after all stages so far, and finally of the whole tower. */
  readonly tower: number;
}

export const defaultBounds: CosineBounds = { stage: 0.999, tower: 0.998 };

/** A stage in one precision, simulated. */
export interface StageTrial {
  readonly precision: NpuPrecision;
  /** Given the reference's input. */
  readonly cosine: number;
  readonly maxAbsError: number;
  /** Given the output of the stages before it. */
  readonly accumulatedCosine: number;
  readonly seconds: number;
  readonly peakRssBytes: number;
}

/** A finished stage as the conversion keeps it. */
export interface NpuStageEntry {
  readonly stage: BundleStage;
  /** Every precision that was tried; the last one was chosen. */
  readonly trials: readonly StageTrial[];
  /** The scaled stream after this stage, raw float32, beside the stage while the bundle is made. */
  readonly stream: string;
}

export interface NpuStageJob {
  readonly plan: VisionStagePlan;
  readonly core?: number;
  /** Tried in this order; the first one within the bounds is chosen. */
  readonly precisions: readonly NpuPrecision[];
  readonly bounds: CosineBounds;
  readonly tower: NpuTower;
  readonly reference: ValidationReference;
  /** The scaled stream after the stages before this one. */
  readonly previous: Promise<Float32Array>;
  readonly signal?: AbortSignal;
}

/**
 * Builds a stage in its possible precisions, simulates each, alone and in the accumulated stream, and keeps
 * the first one within the bounds.
 * @param dir of the bundle being made
 * @throws SmolvlmError `convert-bound` when none is; what the worker throws
 */
export async function convertNpuStage(
  worker: StageWorker,
  dir: string,
  job: NpuStageJob,
): Promise<BundlePart<NpuStageEntry>> {
  const { plan, precisions, tower, bounds, signal } = job;
  const built = new Map<NpuPrecision, BuildResult & { readonly model: string }>();
  const builtPath = (precision: NpuPrecision): string => join(dir, 'work', `${plan.name}.${precision}.rknn`);
  try {
    for (const precision of precisions) {
      const path = builtPath(precision);
      built.set(precision, await buildNpuStage(worker, plan, precision, tower, path, signal));
    }
    const trials: StageTrial[] = [];
    for (const [precision, build] of built) {
      const { trial, stream } = await simulate(worker, precision, build, job);
      trials.push(trial);
      const last = trials.length === precisions.length;
      // The last precision may miss the stream's bound because of the stages before it: `convertNpuStages` handles that.
      if (!(trial.cosine >= bounds.stage && (last || trial.accumulatedCosine >= bounds.tower))) continue;
      await rename(builtPath(precision), join(dir, `${plan.name}.rknn`));
      return await finishedPart(dir, job, trials, stream);
    }
    throw outOfBounds(plan.name, trials, bounds);
  } finally {
    for (const [precision, { model }] of built) {
      await worker.release(model).catch(() => undefined);
      await rm(builtPath(precision), { force: true });
    }
  }
}

/** The stream after a finished stage. */
export async function readStream(dir: string, { stream }: NpuStageEntry): Promise<Float32Array> {
  return new Float32Array(Uint8Array.from(await readFile(join(dir, stream))).buffer);
}

async function simulate(
  worker: StageWorker,
  precision: NpuPrecision,
  { model, seconds, peakRssBytes }: BuildResult & { readonly model: string },
  { plan, tower, reference, previous }: NpuStageJob,
): Promise<{ readonly trial: StageTrial; readonly stream: Float32Array }> {
  const shape = [1, tower.shape.tokens, tower.shape.hidden];
  const scaledReference = async (name: string): Promise<Float32Array> =>
    (await reference.read(name)).map((value) => value * tower.residualScale);
  const expected = await scaledReference(outputOf(plan));
  const compare = (output: Float32Array): Agreement => agreement(output, expected);
  const alone = compare(await worker.simulate(model, await scaledReference(inputOf(plan)), shape));
  const stream = await worker.simulate(model, await previous, shape);
  const trial = {
    precision,
    cosine: alone.cosine,
    maxAbsError: alone.maxAbsError / tower.residualScale,
    accumulatedCosine: compare(stream).cosine,
    seconds,
    peakRssBytes,
  };
  return { trial, stream };
}

async function finishedPart(
  dir: string,
  { plan, core, tower }: NpuStageJob,
  trials: readonly StageTrial[],
  stream: Float32Array,
): Promise<BundlePart<NpuStageEntry>> {
  const taken = trials.at(-1) as StageTrial;
  const streamPath = `work/${plan.name}.stream`;
  await writeFile(join(dir, streamPath), new Uint8Array(stream.buffer, stream.byteOffset, stream.byteLength));
  const file = await describeBundleFile(dir, `${plan.name}.rknn`);
  const tensor = (name: string): TensorSpec => ({
    name,
    dtype: 'float32',
    shape: [1, tower.shape.tokens, tower.shape.hidden],
  });
  const stage: BundleStage = {
    name: plan.name,
    file,
    precision: taken.precision,
    ...defined({ core }),
    input: tensor('in'),
    output: tensor('out'),
    cosine: taken.cosine,
    accumulatedCosine: taken.accumulatedCosine,
    buildSeconds: Math.round(taken.seconds * 1000) / 1000,
  };
  return {
    files: [file, await describeBundleFile(dir, streamPath)],
    entry: { stage, trials, stream: streamPath },
  };
}

function outOfBounds(name: string, trials: readonly StageTrial[], bounds: CosineBounds): SmolvlmError {
  const reached = trials.map(({ precision, cosine }) => `${cosine.toFixed(6)} in ${precision}`).join(', ');
  return new SmolvlmError(
    'convert-bound',
    `${name}: expected a cosine to the reference of at least ${bounds.stage}, received ${reached}`,
    { hint: boundsHint },
  );
}

/** What to do about a bound that is not reached. */
export const boundsHint =
  'Leave the layer in fp16, use --precision auto, or lower --stage-cosine and --tower-cosine.';
