import { copyFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CheckpointError } from '../safetensors/checkpoint-error';
import {
  type TensorToWrite,
  type WrittenSafetensors,
  writeSafetensors,
} from '../safetensors/safetensors-writer';
import { configFiles, readModelConfigs } from './checkpoint';
import type { ModelConfig } from './model-config';
import { makeNewCheckpointFolder } from './new-checkpoint-folder';
import { RandomWeights } from './random-weights';
import { parameterCount, type RequiredTensor, requiredTensors } from './required-tensors';
import { singleWeightFile } from './weight-files';

export interface RandomCheckpoint {
  readonly tensors: number;
  readonly parameters: number;
  readonly weights: WrittenSafetensors;
}

/**
 * Makes a checkpoint folder with the configs and tokenizer of another checkpoint and random weights of the right names
 * and shapes, so that loading, preparing and speed can be tested without the real weights. Its answers are random.
 * @param configsDir a checkpoint's folder; weights in it are not read @param seed same seed, same bytes
 * @throws CheckpointError for a config that is wrong, the same folder given twice, or a folder that has weights
 */
export async function writeRandomCheckpoint(
  configsDir: string,
  outDir: string,
  seed: number,
  signal?: AbortSignal,
): Promise<RandomCheckpoint> {
  if (resolve(configsDir) === resolve(outDir)) {
    throw new CheckpointError(
      'checkpoint-out',
      `${outDir}: expected a folder other than that of the configs`,
      {
        hint: 'Its weights would be overwritten.',
      },
    );
  }
  const { config } = await readModelConfigs(configsDir);
  await makeNewCheckpointFolder(outDir);
  const present = new Set(await readdir(configsDir));
  for (const name of configFiles) {
    if (present.has(name)) await copyFile(join(configsDir, name), join(outDir, name));
  }
  const tensors = requiredTensors(config);
  const weights = await writeSafetensors(
    join(outDir, singleWeightFile),
    randomTensors(config, seed, signal),
    { format: 'pt' },
  );
  return { tensors: tensors.length, parameters: parameterCount(tensors), weights };
}

/** Every tensor of the architecture by its name in transformers, as random bfloat16. */
function randomTensors(config: ModelConfig, seed: number, signal?: AbortSignal): TensorToWrite[] {
  return requiredTensors(config).map((tensor) => ({
    name: tensor.name === 'lm_head.weight' ? tensor.name : `model.${tensor.name}`,
    dtype: 'BF16',
    shape: tensor.shape,
    data: () => {
      signal?.throwIfAborted();
      const { mean, deviation } = distribution(tensor);
      return new RandomWeights(seed, tensor.name, mean, deviation).blocks(parameterCount([tensor]));
    },
  }));
}

/**
 * As for an untrained network: norms near 1, small biases and embeddings, deviation 1/√(inputs) in linear layers, so that
 * activations keep their magnitude from layer to layer.
 */
function distribution({ name, shape }: RequiredTensor): { mean: number; deviation: number } {
  if (name.endsWith('.bias') || name.includes('embed_tokens') || name.includes('position_embedding')) {
    return { mean: 0, deviation: 0.02 };
  }
  if (shape.length === 1) return { mean: 1, deviation: 0.02 };
  const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
  return { mean: 0, deviation: 1 / Math.sqrt(inputs) };
}
