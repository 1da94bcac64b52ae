import type { TensorSource } from '../model/safetensors/tensor-source';
import type { StreamedTensor } from './graph-builder';

/** Rows are read in blocks of about this size, so that a large tensor is never in memory as a whole in float32. */
const blockBytes = 8 * 2 ** 20;

/** A block of a tensor's rows. */
export interface RowBlock {
  /** Index of the block's first row. */
  readonly begin: number;
  readonly end: number;
  /** [end − begin, columns] float32, row-major. */
  readonly values: Float32Array;
}

/** @returns [rows, columns] of a linear layer's weight: [out, in] */
export function matrixShape(source: TensorSource, name: string): readonly [rows: number, columns: number] {
  const [rows = 1, ...rest] = source.shape(name);
  return [rows, rest.reduce((product, size) => product * size, 1)];
}

/** Reads a matrix one block of rows at a time. */
export async function* rowBlocks(source: TensorSource, name: string): AsyncGenerator<RowBlock> {
  const [rows, columns] = matrixShape(source, name);
  const step = Math.max(1, Math.floor(blockBytes / (columns * Float32Array.BYTES_PER_ELEMENT)));
  for (let begin = 0; begin < rows; begin += step) {
    const end = Math.min(rows, begin + step);
    yield { begin, end, values: await source.readRows(name, begin, end) };
  }
}

/** The checkpoint's tensor unchanged, in float32. */
export function float32Weight(source: TensorSource, name: string): StreamedTensor {
  return {
    dtype: 'float32',
    shape: source.shape(name),
    async *chunks() {
      for await (const { values } of rowBlocks(source, name)) yield bytesOf(values);
    },
  };
}

/** A linear layer's weight [out, in] in MatMul's layout: [in, out] float32. Holds one full copy while it is written. */
export function transposedFloat32Weight(source: TensorSource, name: string): StreamedTensor {
  const [rows, columns] = matrixShape(source, name);
  return {
    dtype: 'float32',
    shape: [columns, rows],
    async *chunks() {
      const turned = new Float32Array(rows * columns);
      for await (const { begin, end, values } of rowBlocks(source, name)) {
        scatterTransposed(values, end - begin, columns, turned, begin, rows);
      }
      yield bytesOf(turned);
    },
  };
}

/** Square side of a transposition block: 32 × 32 elements of both sides stay in the first-level cache. */
const tile = 32;

/**
 * Writes a block of rows into the columns of a transposed matrix.
 * @param block [rows, columns] @param turned [columns, width], filled at columns `offset` to `offset + rows`
 */
export function scatterTransposed<T extends Float32Array | Int8Array>(
  block: T,
  rows: number,
  columns: number,
  turned: T,
  offset: number,
  width: number,
): void {
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(rows, top + tile);
    for (let left = 0; left < columns; left += tile) {
      const right = Math.min(columns, left + tile);
      for (let column = left; column < right; column++) {
        const target = column * width + offset;
        for (let row = top; row < bottom; row++) {
          turned[target + row] = block[row * columns + column] as number;
        }
      }
    }
  }
}

/** @returns the memory of a typed array, without copying */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
