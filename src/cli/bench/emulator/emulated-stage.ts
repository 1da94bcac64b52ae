import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeBundleFile } from '../../../model/bundle/bundle-file';
import type { BundleStage, TensorSpec } from '../../../model/bundle/bundle-manifest';
import { hostTensors } from '../../../model/bundle/host-tensors';
import type { ModelConfig } from '../../../model/checkpoint/model-config';
import { imageTokensPerTile, patchesPerTile } from '../../../model/checkpoint/model-config';
import type { TensorSource } from '../../../model/safetensors/tensor-source';
import type { VisionStagePlan } from '../../../onnx/vision/vision-stages';
import { defined } from '../../../system/defined';

/** Numbered as in the emulator's `model.h`. */
const kinds = { pass: 0, attn: 1, mlp: 2, tower: 3 } as const;

/** Bytes of the emulator's header. */
const headerBytes = 96;

export interface EmulatedStageOptions {
  readonly residualScale: number;
  readonly core?: number;
  /** Time of the stage on the timed emulator, microseconds. */
  readonly durationUs?: number;
}

/** Writes a half-layer as the emulator's stand-in for a .rknn file, its weights in it. */
export async function writeEmulatedShard(
  dir: string,
  { name, halves }: VisionStagePlan,
  config: ModelConfig,
  source: TensorSource,
  options: EmulatedStageOptions,
): Promise<BundleStage> {
  const half = halves[0];
  if (!half || halves.length !== 1)
    throw new RangeError(`${name}: the emulator supports half-layers and whole towers`);
  const weights = await halfLayerWeights(source, half.layer, half.half);
  return writeStage(dir, name, kinds[half.half], config, weights, options);
}

/** Writes a stage like the vendor's export: input is a picture's bytes [1, size, size, 3], output the decoder's rows. */
export async function writeEmulatedTower(
  dir: string,
  config: ModelConfig,
  source: TensorSource,
  options: Omit<EmulatedStageOptions, 'residualScale'> = {},
): Promise<BundleStage> {
  const read = (name: string): Promise<Float32Array> => source.read(name);
  const { patchProjection, positions, postLayerNorm, connectorProjection } = hostTensors;
  const weights = [
    await read(`${patchProjection}.weight`),
    await read(`${patchProjection}.bias`),
    await read(positions),
  ];
  for (let layer = 0; layer < config.vision.layers; layer++) {
    weights.push(...(await halfLayerWeights(source, layer, 'attn')));
    weights.push(...(await halfLayerWeights(source, layer, 'mlp')));
  }
  weights.push(await read(`${postLayerNorm}.weight`), await read(`${postLayerNorm}.bias`));
  weights.push(await read(`${connectorProjection}.weight`));
  return writeStage(dir, 'vision', kinds.tower, config, weights, { residualScale: 1, ...options });
}

/** Writes a stage that returns its input: for schedules. */
export function writePassStage(
  dir: string,
  name: string,
  config: ModelConfig,
  options: EmulatedStageOptions,
): Promise<BundleStage> {
  return writeStage(dir, name, kinds.pass, config, [], options);
}

async function halfLayerWeights(
  source: TensorSource,
  layer: number,
  half: 'attn' | 'mlp',
): Promise<Float32Array[]> {
  const prefix = `vision_model.encoder.layers.${layer}`;
  const names =
    half === 'attn'
      ? ['layer_norm1', ...['q', 'k', 'v', 'out'].map((each) => `self_attn.${each}_proj`)]
      : ['layer_norm2', 'mlp.fc1', 'mlp.fc2'];
  const weights: Float32Array[] = [];
  for (const name of names) {
    weights.push(await source.read(`${prefix}.${name}.weight`), await source.read(`${prefix}.${name}.bias`));
  }
  return weights;
}

async function writeStage(
  dir: string,
  name: string,
  kind: number,
  config: ModelConfig,
  weights: readonly Float32Array[],
  { residualScale, core, durationUs = 0 }: EmulatedStageOptions,
): Promise<BundleStage> {
  const { vision } = config;
  const tokens = patchesPerTile(config);
  const textWidth = config.text.hiddenSize;
  const header = Buffer.alloc(headerBytes);
  header.write('RKNNEMU1', 'latin1');
  header.write(name, 8, 31, 'latin1');
  const numbers = [
    ...[kind, tokens, vision.hiddenSize, vision.heads, vision.intermediateSize],
    ...[vision.hiddenAct === 'gelu' ? 1 : 0, durationUs, vision.layers, vision.imageSize, vision.patchSize],
    ...[config.scaleFactor, textWidth],
  ];
  for (const [index, value] of numbers.entries()) header.writeUInt32LE(value, 40 + 4 * index);
  header.writeFloatLE(vision.layerNormEps, 88);
  header.writeFloatLE(residualScale, 92);
  const bytes = weights.map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  await writeFile(join(dir, `${name}.rknn`), Buffer.concat([header, ...bytes]));
  const stream = (tensor: string): TensorSpec => ({
    name: tensor,
    dtype: 'float32',
    shape: [1, tokens, vision.hiddenSize],
  });
  const tower = kind === kinds.tower;
  const size = vision.imageSize;
  return {
    name,
    file: await describeBundleFile(dir, `${name}.rknn`),
    precision: 'fp16',
    ...defined({ core }),
    input: tower ? { name: 'in', dtype: 'uint8', shape: [1, size, size, 3] } : stream('in'),
    output: tower
      ? { name: 'out', dtype: 'float32', shape: [1, imageTokensPerTile(config), textWidth] }
      : stream('out'),
  };
}
