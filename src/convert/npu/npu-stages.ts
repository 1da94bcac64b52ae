import { SmolvlmError } from '../../errors';
import type { VisionStagePlan } from '../../onnx/vision/vision-stages';
import { defined } from '../../system/defined';
import type { Build } from '../bundle/bundle-build';
import type { BundlePart } from '../bundle/bundle-folder';
import type { StageWorkers } from '../toolkit/toolkit-pool';
import type { NpuPrecision, NpuTower } from './npu-stage-build';
import {
  boundsHint,
  type CosineBounds,
  convertNpuStage,
  type NpuStageEntry,
  readStream,
} from './npu-stage-part';
import type { ValidationReference } from './reference-activations';

export interface StageBuildOptions {
  readonly tower: NpuTower;
  readonly reference: ValidationReference;
  readonly bounds: CosineBounds;
  /** Provides the workers of one pass over the stages; closed after it. */
  openWorkers(): StageWorkers;
  /** The possible precisions of a stage, the preferred one first. */
  precisions(plan: VisionStagePlan): readonly NpuPrecision[];
  /** The NPU core a stage runs on; absent: any. */
  readonly coreOf?: (plan: VisionStagePlan) => number;
}

/**
 * Converts a tower's stages, several at a time, and simulates them one after the other, since each one's input is the
 * previous one's output. If the chosen precisions leave the whole tower below its bound (errors of the last
 * INT8 stages accumulate in the fp16 stages after them), the worst INT8 stage goes back to fp16, and it and the
 * stages after it are made again.
 * @throws SmolvlmError of the first stage that fails; the signal's reason when aborted
 */
export async function convertNpuStages(
  build: Build,
  plans: readonly VisionStagePlan[],
  options: StageBuildOptions,
): Promise<readonly NpuStageEntry[]> {
  const kept = new Set<string>();
  for (;;) {
    const precisions = (plan: VisionStagePlan): readonly NpuPrecision[] => {
      const precisions = options.precisions(plan);
      return kept.has(plan.name) ? precisions.slice(-1) : precisions;
    };
    const entries = await convertAll(build, plans, { ...options, precisions });
    const reached = entries.at(-1)?.stage.accumulatedCosine ?? 0;
    if (reached >= options.bounds.tower) return entries;
    const worst = worstChoice(
      entries.filter((_, index) => precisions(plans[index] as VisionStagePlan).length > 1),
    );
    if (!worst) throw towerOutOfBound(reached, options.bounds);
    kept.add(worst.stage.name);
    await build.drop(plans.slice(entries.indexOf(worst)).map(({ name }) => name));
  }
}

/** The INT8 stage whose own error is largest. */
function worstChoice(entries: readonly NpuStageEntry[]): NpuStageEntry | undefined {
  return entries
    .filter(({ stage }) => stage.precision === 'int8')
    .sort((a, b) => (a.stage.cosine ?? 0) - (b.stage.cosine ?? 0))[0];
}

async function convertAll(
  build: Build,
  plans: readonly VisionStagePlan[],
  options: StageBuildOptions,
): Promise<readonly NpuStageEntry[]> {
  const { signal } = build.control;
  const { tower, reference, bounds, coreOf } = options;
  await using pool = options.openWorkers();
  let fault: unknown;
  const fail = (error: unknown): void => {
    fault ??= error;
    // Stops the other stages: their work would be wasted. Errors of closing are reported at the end.
    Promise.resolve(pool[Symbol.asyncDispose]()).catch(() => undefined);
  };
  const onAbort = (): void => fail(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  let previous = scaledEmbeddings(options);
  // A stage gets a worker only after the stages before it: each waits for the stream of the previous one.
  let turn: Promise<void> = Promise.resolve();
  const entries = plans.map((plan) => {
    const before = previous;
    const earlier = turn;
    let begin: () => void = () => undefined;
    turn = new Promise((resolve) => {
      begin = resolve;
    });
    const convert = async (dir: string): Promise<BundlePart<NpuStageEntry>> => {
      await earlier;
      return pool.use((worker) => {
        begin();
        return convertNpuStage(worker, dir, {
          plan,
          tower,
          reference,
          bounds,
          precisions: options.precisions(plan),
          previous: before,
          ...defined({ core: coreOf?.(plan) }),
          ...build.control,
        });
      });
    };
    const entry = build.stage(plan.name, convert);
    entry.then(begin, (error: unknown) => {
      begin();
      fail(error);
    });
    previous = entry.then((made) => readStream(build.folder.dir, made));
    // The stage that reads the stream receives a failure; if there is none, it is reported below.
    previous.catch(() => undefined);
    return entry;
  });
  const settled = await Promise.allSettled(entries);
  signal?.removeEventListener('abort', onAbort);
  if (fault !== undefined) throw fault;
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function towerOutOfBound(reached: number, bounds: CosineBounds): SmolvlmError {
  return new SmolvlmError(
    'convert-bound',
    `the whole tower: expected a cosine to the reference of at least ${bounds.tower}, received ${reached.toFixed(6)}`,
    { hint: boundsHint },
  );
}

async function scaledEmbeddings({ reference, tower }: StageBuildOptions): Promise<Float32Array> {
  return (await reference.read('embeddings')).map((value) => value * tower.residualScale);
}
