import { readdir, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SmolvlmError } from '../../errors';
import type { Precision } from '../../model/bundle/bundle-manifest';
import { hostTensorNames, hostTensors } from '../../model/bundle/host-tensors';
import type { Checkpoint } from '../../model/checkpoint/checkpoint';
import { patchesPerTile } from '../../model/checkpoint/model-config';
import { isNarrow } from '../../model/checkpoint/narrow-stream';
import { requiredTensors } from '../../model/checkpoint/required-tensors';
import { dtypeBytes } from '../../model/safetensors/tensor-dtype';
import type { NpuPrecisionChoice } from '../../protocol/models/conversion-choices';
import { makeFolder } from '../../system/files/make-folder';

/** Bytes per weight; 4-bit blocks have a float32 scale for every 32 weights. */
const bytesPerWeight: Readonly<Record<Precision, number>> = {
  float32: 4,
  fp16: 2,
  int8: 1,
  int4: 0.5 + 4 / 32,
};

/** Graphs, configs and scales beside the weights. */
const overheadBytes = 8 * 2 ** 20;

/** Estimated size of a CPU bundle, including the host's tensors. */
export function cpuBundleBytes(
  { config, tensors }: Pick<Checkpoint, 'config' | 'tensors'>,
  vision: Precision,
  decoder: Precision | undefined,
): number {
  const { patchProjection, connectorProjection, tokenEmbeddings } = hostTensors;
  const projections = [`${patchProjection}.weight`, `${connectorProjection}.weight`];
  const stored = (precision: Precision, width: number): Precision =>
    precision === 'int8' && isNarrow(width) ? 'float32' : precision;
  let bytes = overheadBytes;
  for (const { name, shape } of requiredTensors(config)) {
    const weights = shape.reduce((product, size) => product * size, 1);
    if (hostTensorNames.includes(name)) bytes += weights * dtypeBytes[tensors.stored(name).dtype];
    if (projections.includes(name)) bytes += weights * bytesPerWeight.float32;
    if (name.startsWith('vision_model.encoder.')) {
      bytes += weights * bytesPerWeight[stored(vision, config.vision.hiddenSize)];
    }
    const inDecoder =
      !hostTensorNames.includes(name) || (name === tokenEmbeddings && config.tieWordEmbeddings);
    if (decoder && inDecoder && !name.startsWith('vision_model.')) {
      bytes += weights * bytesPerWeight[stored(decoder, config.text.hiddenSize)];
    }
  }
  return Math.ceil(bytes);
}

/** The options that determine the disk space of an NPU conversion. */
interface NpuBytesOptions {
  readonly precision: NpuPrecisionChoice;
  readonly decoder: { readonly precision: Precision };
  readonly cpuStages: boolean;
  readonly frames: { readonly calibration: readonly string[] };
}

/** Estimated disk space while an NPU bundle is made: the bundle, the float32 tower, and the activations. */
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

/**
 * @param what needs the space, as the subject of "needs" @param there files of an interrupted run that are used again
 * @throws SmolvlmError `bundle-disk-space` when the file system of `path` has less space
 */
export async function checkDiskSpace(
  path: string,
  neededBytes: number,
  what = 'the bundle',
  there = `${path}.partial`,
): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder);
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes || freeBytes + (await folderBytes(there)) >= neededBytes) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new SmolvlmError(
    'bundle-disk-space',
    `${folder}: ${what} needs about ${megabytes(neededBytes)}, ${megabytes(freeBytes)} are free`,
    { hint: spaceHint },
  );
}

/**
 * Runs work that writes below a path, and names the full disk in the error: the path's, or that of temporary files.
 * @throws SmolvlmError `bundle-disk-space` for a full disk; else what the work throws
 */
export async function namingFullDisk<T>(
  path: string,
  work: () => Promise<T>,
  temporary = tmpdir(),
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isFullDisk(cause)) throw cause;
    const full = await fullFolder(dirname(path), temporary);
    const hint =
      full === dirname(path) ? spaceHint : 'Free some space there, or set TMPDIR to another folder.';
    throw new SmolvlmError('bundle-disk-space', `${full}: the disk is full`, {
      hint: `${hint} Finished parts are kept: the next run continues from there.`,
      cause,
    });
  }
}

/** A folder with less space than this is taken for the full one. */
const fullBytes = 16e6;

/** The bundle's folder, unless it has space and the folder for temporary files has not. */
async function fullFolder(folder: string, temporary: string): Promise<string> {
  const isFull = async (place: string): Promise<boolean> => {
    const found = await statfs(place).catch(() => undefined);
    return found !== undefined && found.bavail * found.bsize < fullBytes;
  };
  return !(await isFull(folder)) && (await isFull(temporary)) ? temporary : folder;
}

const spaceHint = 'Free some space, or choose a folder on another disk (SMOLVLM_CACHE for the cache).';

/** Whether a write of this process or of the toolkit failed because the disk is full. */
function isFullDisk(error: unknown): boolean {
  if (!(error instanceof Error) || (error instanceof SmolvlmError && error.code === 'bundle-disk-space')) {
    return false;
  }
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || error.message.includes('No space left on device');
}

async function folderBytes(dir: string): Promise<number> {
  const names = await readdir(dir, { recursive: true }).catch((): string[] => []);
  const sizes = names.map((name) =>
    stat(join(dir, name)).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
