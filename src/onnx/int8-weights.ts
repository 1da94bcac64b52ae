import type { TensorSource } from '../model/safetensors/tensor-source';
import type { StreamedTensor } from './graph-builder';
import { bytesOf, matrixShape, rowBlocks, scatterTransposed } from './weights';

/**
 * Largest magnitude of a quantised weight.
 * - 127: the full range of int8.
 * - 64: "reduced range". On x86 with AVX2 but without VNNI the runtime's u8 × s8 kernel adds two products in
 *   saturating int16 (`vpmaddubsw`); 2 · 255 · 64 = 32640 stays below 32767, so no sum can saturate.
 */
export type Int8Range = 64 | 127;

/** A linear layer's weight in int8: w[i, o] ≈ quantised[i, o] · scale[o]. */
export interface Int8Weight {
  /** [in, out] int8, symmetric (zero point 0). */
  readonly quantised: StreamedTensor;
  /** [out] float32. */
  readonly scale: StreamedTensor;
}

/** Quantises a linear layer's weight [out, in], symmetric, with one scale per output channel. */
export function int8Weight(source: TensorSource, name: string, range: Int8Range): Int8Weight {
  const [rows, columns] = matrixShape(source, name);
  return {
    quantised: {
      dtype: 'int8',
      shape: [columns, rows],
      async *chunks() {
        const turned = new Int8Array(rows * columns);
        for await (const { begin, end, values } of rowBlocks(source, name)) {
          const block = new Int8Array(values.length);
          for (let row = 0; row < end - begin; row++) {
            quantiseRow(
              values.subarray(row * columns, (row + 1) * columns),
              range,
              block.subarray(row * columns),
            );
          }
          scatterTransposed(block, end - begin, columns, turned, begin, rows);
        }
        yield bytesOf(turned);
      },
    },
    scale: {
      dtype: 'float32',
      shape: [rows],
      async *chunks() {
        for await (const { begin, end, values } of rowBlocks(source, name)) {
          const scales = new Float32Array(end - begin);
          for (let row = 0; row < scales.length; row++) {
            scales[row] = channelScale(values.subarray(row * columns, (row + 1) * columns), range);
          }
          yield bytesOf(scales);
        }
      },
    },
  };
}

/** @returns the value of one quantisation step of the channel; 1 for a channel of zeros */
function channelScale(channel: Float32Array, range: Int8Range): number {
  let largest = 0;
  for (const value of channel) largest = Math.max(largest, Math.abs(value));
  return largest === 0 ? 1 : Math.fround(largest / range);
}

function quantiseRow(channel: Float32Array, range: Int8Range, target: Int8Array): void {
  const scale = channelScale(channel, range);
  for (let index = 0; index < channel.length; index++) {
    const steps = Math.round((channel[index] as number) / scale);
    target[index] = Math.max(-range, Math.min(range, steps));
  }
}
