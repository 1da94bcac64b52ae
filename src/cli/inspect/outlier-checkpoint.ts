import { copyFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Checkpoint, configFiles, openCheckpoint } from '../../model/checkpoint/checkpoint';
import { makeNewCheckpointFolder } from '../../model/checkpoint/new-checkpoint-folder';
import { requiredTensors } from '../../model/checkpoint/required-tensors';
import { singleWeightFile } from '../../model/checkpoint/weight-files';
import { writeSafetensors } from '../../model/safetensors/safetensors-writer';
import { ScaledTensors, type TensorScaling } from '../../onnx/scaled-tensors';
import {
  type Command,
  optionalInteger,
  optionalNumber,
  requiredString,
  UsageError,
} from '../command/command';
import { modelFolder } from './model-folder';

/** `smolvlm inspect outlier-checkpoint`: tests whether a precision keeps a model's answers when channels have outliers. */
export const command: Command = {
  summary: 'Write a checkpoint that computes the same with activation outliers, to test precisions',
  usage: 'inspect outlier-checkpoint --model M --out DIR [--factor 32] [--channels 4] [--seed N]',
  options: {
    model: { type: 'string' },
    out: { type: 'string' },
    factor: { type: 'string' },
    channels: { type: 'string' },
    seed: { type: 'string' },
  },
  async run(values, _positionals, io) {
    const dir = await modelFolder(values);
    const out = requiredString(values, 'out');
    if (resolve(out) === resolve(dir))
      throw new UsageError('--out: expected a folder other than the model’s');
    const factor = optionalNumber(values, 'factor', 1, 65536) ?? 32;
    const channels = optionalInteger(values, 'channels', 1) ?? 4;
    const seed = optionalInteger(values, 'seed', 0) ?? 1;
    const checkpoint = await openCheckpoint(dir);
    try {
      const scalings = plantedOutliers(checkpoint, factor, channels, seed);
      const { sizeBytes, sha256 } = await writeScaled(checkpoint, scalings, out, io.signal);
      io.result(
        { out, factor, channels, seed, bytes: sizeBytes, sha256 },
        `${out}: ${channels} channels × ${factor} in each place (seed ${seed}), ${sizeBytes} bytes`,
      );
    } finally {
      await checkpoint.close();
    }
    return 0;
  },
};

/** Rows of producers multiplied by the factor, and the columns of what reads them divided by it. */
function plantedOutliers(
  { config, tensors }: Checkpoint,
  factor: number,
  channels: number,
  seed: number,
): ReadonlyMap<string, TensorScaling> {
  const scalings = new Map<string, TensorScaling>();
  const random = randomIntegers(seed);
  const plant = (producer: string, bias: boolean, consumers: readonly string[]): void => {
    const rows = new Float32Array(tensors.shape(`${producer}.weight`)[0] ?? 0).fill(1);
    for (let count = 0; count < channels; count++) rows[random(rows.length)] = factor;
    const columns = rows.map((each) => 1 / each);
    for (const name of bias ? ['weight', 'bias'] : ['weight']) {
      scalings.set(`${producer}.${name}`, { ...scalings.get(`${producer}.${name}`), rows });
    }
    for (const name of consumers) {
      scalings.set(`${name}.weight`, { ...scalings.get(`${name}.weight`), columns });
    }
  };
  const projections = (at: string) => ['q', 'k', 'v'].map((name) => `${at}.self_attn.${name}_proj`);
  for (let layer = 0; layer < config.vision.layers; layer++) {
    const at = `vision_model.encoder.layers.${layer}`;
    plant(`${at}.layer_norm1`, true, projections(at));
    plant(`${at}.self_attn.v_proj`, true, [`${at}.self_attn.out_proj`]);
    plant(`${at}.layer_norm2`, true, [`${at}.mlp.fc1`]);
  }
  for (let layer = 0; layer < config.text.layers; layer++) {
    const at = `text_model.layers.${layer}`;
    plant(`${at}.input_layernorm`, false, projections(at));
    plant(`${at}.post_attention_layernorm`, false, [`${at}.mlp.gate_proj`, `${at}.mlp.up_proj`]);
    plant(`${at}.mlp.up_proj`, false, [`${at}.mlp.down_proj`]);
  }
  return scalings;
}

/** In float32, so that powers of two change no digit. */
async function writeScaled(
  { dir, config, tensors }: Checkpoint,
  scalings: ReadonlyMap<string, TensorScaling>,
  out: string,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string }> {
  const scaled = new ScaledTensors(tensors, scalings);
  await makeNewCheckpointFolder(out);
  const present = new Set(await readdir(dir));
  for (const name of configFiles) if (present.has(name)) await copyFile(join(dir, name), join(out, name));
  const all = requiredTensors(config).map(({ name, shape }) => ({
    name: name === 'lm_head.weight' ? name : `model.${name}`,
    dtype: 'F32' as const,
    shape,
    data: () => {
      signal.throwIfAborted();
      return scaled.read(name);
    },
  }));
  return writeSafetensors(join(out, singleWeightFile), all, { format: 'pt' });
}

/** Repeatable whole numbers below a limit (xorshift32). */
function randomIntegers(seed: number): (limit: number) => number {
  let state = (seed + 1) * 2654435761;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
