import type { TensorSource } from '../../model/safetensors/tensor-source';
import type { StreamedTensor } from '../graph-builder';
import { bytesOf, matrixShape, rowBlocks } from '../weights';

/** Weights that share one scale along the input axis. */
export const int4BlockSize = 32;

/** Stored value of zero: nibbles 0 … 15 stand for −8 … 7. */
const zeroPoint = 8;

/**
 * A linear layer's weight in the format of com.microsoft.MatMulNBits (bits = 4, no zero points):
 * w[o, i] ≈ (nibble − 8) · scale[o, ⌊i / 32⌋].
 */
export interface Int4Weight {
  /** [out, blocks, 16] uint8, the even input in the low nibble; the last block is padded with zeros. */
  readonly packed: StreamedTensor;
  /** [out, blocks] float32. */
  readonly scales: StreamedTensor;
}

/** Quantises a linear layer's weight [out, in] to 4 bits in blocks of 32 inputs. */
export function int4Weight(source: TensorSource, name: string): Int4Weight {
  const [rows, columns] = matrixShape(source, name);
  const blocks = Math.ceil(columns / int4BlockSize);
  return {
    packed: {
      dtype: 'uint8',
      shape: [rows, blocks, int4BlockSize / 2],
      async *chunks() {
        for await (const { values } of rowBlocks(source, name)) yield quantiseRows(values, columns).packed;
      },
    },
    scales: {
      dtype: 'float32',
      shape: [rows, blocks],
      async *chunks() {
        for await (const { values } of rowBlocks(source, name)) {
          yield bytesOf(quantiseRows(values, columns).scales);
        }
      },
    },
  };
}

/** @param values [rows, columns] */
function quantiseRows(
  values: Float32Array,
  columns: number,
): { readonly packed: Uint8Array; readonly scales: Float32Array } {
  const rows = values.length / columns;
  const blocks = Math.ceil(columns / int4BlockSize);
  const packed = new Uint8Array((rows * blocks * int4BlockSize) / 2);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const begin = row * columns + block * int4BlockSize;
      const end = Math.min(begin + int4BlockSize, (row + 1) * columns);
      const index = row * blocks + block;
      const scale = blockScale(values, begin, end);
      scales[index] = scale;
      packBlock(values, begin, end, scale, packed, (index * int4BlockSize) / 2);
    }
  }
  return { packed, scales };
}

/**
 * The value of largest magnitude becomes −8 steps exactly, whatever its sign, so that all 16 levels are
 * used: the scheme of onnxruntime's own symmetric 4-bit quantiser. The scale may be negative.
 */
function blockScale(values: Float32Array, begin: number, end: number): number {
  let extreme = 0;
  for (let index = begin; index < end; index++) {
    const value = values[index] as number;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  return Math.fround(extreme / -8);
}

function packBlock(
  values: Float32Array,
  begin: number,
  end: number,
  scale: number,
  packed: Uint8Array,
  target: number,
): void {
  for (let pair = 0; pair < int4BlockSize / 2; pair++) {
    const index = begin + 2 * pair;
    const low = index < end ? nibble(values[index] as number, scale) : zeroPoint;
    const high = index + 1 < end ? nibble(values[index + 1] as number, scale) : zeroPoint;
    packed[target + pair] = low | (high << 4);
  }
}

function nibble(value: number, scale: number): number {
  if (scale === 0) return zeroPoint;
  return Math.max(0, Math.min(15, Math.round(value / scale) + zeroPoint));
}
