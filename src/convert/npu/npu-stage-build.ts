import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorSource } from '../../model/safetensors/tensor-source';
import type { HalfLayer, VisionGraphShape } from '../../onnx/vision/cpu-vision-stage';
import { type NpuStageOptions, npuVisionStage } from '../../onnx/vision/npu-vision-stage';
import type { VisionStagePlan } from '../../onnx/vision/vision-stages';
import { writeModel } from '../../onnx/write-model';
import type { NpuTarget } from '../../protocol/models/conversion-choices';
import type { StageWorker } from '../toolkit/toolkit-pool';
import type { BuildResult } from '../toolkit/toolkit-worker';

export type NpuPrecision = 'fp16' | 'int8';

/** The inputs that all stages of a tower are built from. */
export interface NpuTower extends NpuStageOptions {
  readonly target: NpuTarget;
  readonly shape: VisionGraphShape;
  readonly source: TensorSource;
  /** .npy files of a stage's inputs, by the name of the preceding activation. */
  calibration(name: string): readonly string[];
}

/** The factor of the stream between stages: 0.1, as in the prototype's shards. */
export const npuResidualScale = 0.1;

/**
 * Builds one stage in a worker, which keeps it for the simulator under the returned name.
 */
export async function buildNpuStage(
  worker: Pick<StageWorker, 'build'>,
  plan: VisionStagePlan,
  precision: NpuPrecision,
  tower: NpuTower,
  path: string,
  signal?: AbortSignal,
): Promise<BuildResult & { readonly model: string }> {
  const model = `${plan.name}.${precision}`;
  const graph = npuVisionStage(plan.name, plan.halves, tower.shape, tower.source, tower);
  const onnx = join(path, '..', `${model}.onnx`);
  try {
    await writeModel(graph, onnx, signal ? { signal } : {});
    const calibration = precision === 'int8' ? tower.calibration(inputOf(plan)) : [];
    return {
      model,
      ...(await worker.build({ model, onnx, output: path, target: tower.target, calibration })),
    };
  } finally {
    await rm(onnx, { force: true });
    await rm(`${onnx}.data`, { force: true });
  }
}

/** The name, in a reference, of the activation that is a stage's input. */
export function inputOf({ halves }: VisionStagePlan): string {
  const first = halves[0] as HalfLayer;
  if (first.half === 'mlp') return activationName({ ...first, half: 'attn' });
  return first.layer === 0 ? 'embeddings' : activationName({ layer: first.layer - 1, half: 'mlp' });
}

/** The name of the activation that is a stage's output. */
export function outputOf({ halves }: VisionStagePlan): string {
  return activationName(halves.at(-1) as HalfLayer);
}

function activationName({ layer, half }: HalfLayer): string {
  return `l${layer}_${half}`;
}
