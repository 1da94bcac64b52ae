import { mkdir, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SmolvlmError } from '../errors';
import type { Precision } from '../model/bundle-manifest';
import type { Checkpoint } from '../model/checkpoint';
import { hostTensorNames, hostTensors } from '../model/host-tensors';
import { patchesPerTile } from '../model/model-config';
import { requiredTensors } from '../model/required-tensors';
import { dtypeBytes } from '../model/tensor-dtype';

/** Bytes a weight takes; 4-bit blocks carry a float32 scale each 32 weights. */
const bytesPerWeight: Readonly<Record<Precision, number>> = {
  float32: 4,
  fp16: 2,
  int8: 1,
  int4: 0.5 + 4 / 32,
};

/** Graphs, configs and scales beside the weights. */
const overheadBytes = 8 * 2 ** 20;

/** About how many bytes a CPU bundle will take, the host's tensors included. */
export function cpuBundleBytes(
  { config, tensors }: Pick<Checkpoint, 'config' | 'tensors'>,
  vision: Precision,
  decoder: Precision | undefined,
): number {
  const { patchProjection, connectorProjection, tokenEmbeddings } = hostTensors;
  const projections = [`${patchProjection}.weight`, `${connectorProjection}.weight`];
  let bytes = overheadBytes;
  for (const { name, shape } of requiredTensors(config)) {
    const weights = shape.reduce((product, size) => product * size, 1);
    if (hostTensorNames.includes(name)) bytes += weights * dtypeBytes[tensors.stored(name).dtype];
    if (projections.includes(name)) bytes += weights * bytesPerWeight.float32;
    if (name.startsWith('vision_model.encoder.')) bytes += weights * bytesPerWeight[vision];
    const inDecoder =
      !hostTensorNames.includes(name) || (name === tokenEmbeddings && config.tieWordEmbeddings);
    if (decoder && inDecoder && !name.startsWith('vision_model.')) bytes += weights * bytesPerWeight[decoder];
  }
  return Math.ceil(bytes);
}

/** What an NPU conversion depends on for its room on disk. */
interface NpuBytesOptions {
  readonly precision: 'fp16' | 'hybrid' | 'auto';
  readonly decoder: { readonly precision: Precision };
  readonly cpuStages: boolean;
  readonly frames: { readonly calibration: readonly string[] };
}

/** About how many bytes an NPU bundle takes while it is made: itself, the float32 tower, and the activations. */
export function npuBundleBytes(
  checkpoint: Pick<Checkpoint, 'config' | 'tensors'>,
  { precision, decoder, cpuStages, frames }: NpuBytesOptions,
): number {
  const { layers, hiddenSize } = checkpoint.config.vision;
  const activation = patchesPerTile(checkpoint.config) * hiddenSize * 4;
  const captured = (precision === 'fp16' ? 0 : frames.calibration.length) + 2;
  const float32Tower = cpuBundleBytes(checkpoint, 'float32', undefined);
  return (
    cpuBundleBytes(checkpoint, 'fp16', decoder.precision) +
    (cpuStages ? cpuBundleBytes(checkpoint, 'int8', undefined) : 0) +
    float32Tower +
    captured * 2 * layers * activation
  );
}

/** @throws SmolvlmError `bundle-disk-space` when the file system of `path` has less room than that */
export async function checkDiskSpace(path: string, neededBytes: number): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new SmolvlmError(
    'bundle-disk-space',
    `${folder}: preparing the model needs about ${megabytes(neededBytes)}, ${megabytes(freeBytes)} are free`,
    { hint: 'Free some space, or set SMOLVLM_CACHE to a folder on another disk.' },
  );
}
