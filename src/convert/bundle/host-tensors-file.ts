import { join } from 'node:path';
import type { BundleFile } from '../../model/bundle/bundle-manifest';
import { hostTensorNames } from '../../model/bundle/host-tensors';
import type { CheckpointTensors } from '../../model/checkpoint/checkpoint-tensors';
import { type TensorToWrite, writeSafetensors } from '../../model/safetensors/safetensors-writer';
import { dtypeBytes } from '../../model/safetensors/tensor-dtype';
import type { BundlePart } from './bundle-folder';

const fileName = 'host.safetensors';

/** Bytes copied at a time. */
const blockBytes = 8 * 2 ** 20;

/**
 * Copies the tensors that the host computes with (patch and position embeddings, post layer norm, connector, token
 * embeddings) from a checkpoint, in the checkpoint's own number format and under canonical names.
 */
export async function writeHostTensors(
  dir: string,
  tensors: CheckpointTensors,
  signal?: AbortSignal,
): Promise<BundlePart<BundleFile>> {
  const copies = hostTensorNames.map((name) => copyOf(tensors, name, signal));
  const { sha256, sizeBytes } = await writeSafetensors(join(dir, fileName), copies);
  const file = { path: fileName, sha256, sizeBytes };
  return { files: [file], entry: file };
}

function copyOf(tensors: CheckpointTensors, name: string, signal: AbortSignal | undefined): TensorToWrite {
  const { dtype, shape } = tensors.stored(name);
  return {
    name,
    dtype,
    shape,
    async *data() {
      const [rows = 1, ...rest] = shape;
      const rowBytes = rest.reduce((product, size) => product * size, dtypeBytes[dtype]);
      const step = Math.max(1, Math.floor(blockBytes / rowBytes));
      for (let begin = 0; begin < rows; begin += step) {
        signal?.throwIfAborted();
        yield await tensors.readStoredRows(name, begin, Math.min(rows, begin + step));
      }
    },
  };
}
