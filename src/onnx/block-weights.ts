import type { TensorSource } from '../model/safetensors/tensor-source';
import type { StreamedTensor } from './graph-builder';
import { bytesOf, matrixShape, rowBlocks } from './weights';

/** Bits of a block-quantised weight. */
export type BlockBits = 4 | 8;

/** How weights are rounded in blocks along the input axis. */
export interface BlockFormat {
  readonly bits: BlockBits;
  /** Weights that share one scale. */
  readonly size: 32 | 64 | 128 | 256;
  /** Each block has a zero point; otherwise it is the middle of the range. */
  readonly zeroPoints: boolean;
}

/**
 * The formats in use. `fine` also keeps activations with outliers; `wide` is faster, and needs activations without
 * (docs/decisions/inference.md).
 */
export const blockFormats = {
  fine: { bits: 8, size: 32, zeroPoints: true },
  wide: { bits: 8, size: 128, zeroPoints: false },
  small: { bits: 4, size: 32, zeroPoints: true },
} as const satisfies Readonly<Record<string, BlockFormat>>;

/**
 * A linear layer's weight in the format of com.microsoft.MatMulNBits: w[o, i] ≈ (stored − zero[o, b]) · scale[o, b] with
 * the block b = ⌊i / size⌋.
 */
export interface BlockWeight {
  /** [out, blocks, size · bits / 8] uint8; of 4 bits, the even input is in the low nibble. The last block is padded with its zero point. */
  readonly packed: StreamedTensor;
  /** [out, blocks] float32. */
  readonly scales: StreamedTensor;
  /** [out, blocks · bits / 8 rounded up] uint8; of 4 bits, the even block is in the low nibble. */
  readonly zeroPoints?: StreamedTensor;
}

/** Quantises a linear layer's weight [out, in] in blocks of inputs. */
export function blockWeight(source: TensorSource, name: string, format: BlockFormat): BlockWeight {
  const { bits, size } = format;
  const [rows, columns] = matrixShape(source, name);
  const blocks = Math.ceil(columns / size);
  const last = format.zeroPoints ? 'zeroPoints' : 'scales';
  /** By their first row; kept from one tensor to the next, since they are written in this order. */
  const quantised = new Map<number, Pick<QuantisedRows, 'scales' | 'zeroPoints'>>();
  async function* each(part: keyof QuantisedRows): AsyncIterable<Uint8Array> {
    for await (const { begin, values } of rowBlocks(source, name)) {
      const known = part === 'packed' ? undefined : quantised.get(begin);
      if (known && part !== 'packed') {
        yield bytesOf(known[part]);
        continue;
      }
      const { packed, scales, zeroPoints } = quantiseRows(values, columns, format);
      quantised.set(begin, { scales, zeroPoints });
      yield bytesOf({ packed, scales, zeroPoints }[part]);
    }
    if (part === last) quantised.clear();
  }
  return {
    packed: {
      dtype: 'uint8',
      shape: [rows, blocks, (size * bits) / 8],
      chunks: () => each('packed'),
    },
    scales: { dtype: 'float32', shape: [rows, blocks], chunks: () => each('scales') },
    ...(format.zeroPoints && {
      zeroPoints: {
        dtype: 'uint8',
        shape: [rows, Math.ceil((blocks * bits) / 8)],
        chunks: () => each('zeroPoints'),
      },
    }),
  };
}

interface QuantisedRows {
  readonly packed: Uint8Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
}

/** @param values [rows, columns] */
function quantiseRows(values: Float32Array, columns: number, format: BlockFormat): QuantisedRows {
  const { bits, size } = format;
  const rows = values.length / columns;
  const blocks = Math.ceil(columns / size);
  const blockBytes = (size * bits) / 8;
  const packed = new Uint8Array(rows * blocks * blockBytes);
  const scales = new Float32Array(rows * blocks);
  const steps = new Uint8Array(size);
  const zeroBytes = Math.ceil((blocks * bits) / 8);
  const zeroPoints = new Uint8Array(rows * zeroBytes);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const begin = row * columns + block * size;
      const end = Math.min(begin + size, (row + 1) * columns);
      const index = row * blocks + block;
      const [scale, zero] = quantiseBlock(values.subarray(begin, end), format, steps);
      scales[index] = scale;
      const place = row * zeroBytes + Math.floor((block * bits) / 8);
      zeroPoints[place] = (zeroPoints[place] as number) | (bits === 4 && block % 2 === 1 ? zero << 4 : zero);
      pack(steps, bits, packed.subarray(index * blockBytes, (index + 1) * blockBytes));
    }
  }
  return { packed, scales, zeroPoints };
}

/**
 * 8 bits: the steps span the block's values and zero, or without a zero point the largest magnitude. 4 bits: of spans down to three quarters of that and the zero
 * points next to each, the one of least squared error (docs/fidelity.md).
 * @param steps receives the stored values
 */
function quantiseBlock(
  values: Float32Array,
  { bits, zeroPoints }: BlockFormat,
  steps: Uint8Array,
): [scale: number, zeroPoint: number] {
  const most = 2 ** bits - 1;
  const middle = 2 ** (bits - 1);
  let low = 0;
  let high = 0;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = Math.fround(zeroPoints ? (high - low) / most : Math.max(-low, high) / (middle - 1));
  if (scale === 0) {
    steps.fill(middle);
    return [scale, middle];
  }
  const spanned: [number, number] = [scale, zeroPoints ? clamped(Math.round(-low / scale), most) : middle];
  const [chosen, zero] = bits === 8 ? spanned : leastError(values, low, scale, spanned);
  steps.fill(zero);
  for (let index = 0; index < values.length; index++) {
    steps[index] = clamped(Math.round((values[index] as number) / chosen) + zero, most);
  }
  return [chosen, zero];
}

/** Spans tried: 1, 0.975, … 0.75 of the block's own. */
const triedSpans = 11;
const spanStep = 0.025;

function leastError(
  values: Float32Array,
  low: number,
  widest: number,
  first: [scale: number, zeroPoint: number],
): [scale: number, zeroPoint: number] {
  let best = first;
  let least = squaredError(values, ...first, Number.POSITIVE_INFINITY);
  for (let tried = 0; tried < triedSpans; tried++) {
    const scale = Math.fround(widest * (1 - spanStep * tried));
    const middle = Math.round(-low / scale);
    for (let zero = clamped(middle - 1, 15); zero <= clamped(middle + 1, 15); zero++) {
      const error = squaredError(values, scale, zero, least);
      if (error < least) [best, least] = [[scale, zero], error];
    }
  }
  return best;
}

/** Of the 16 steps; stops when it exceeds `enough`. */
function squaredError(values: Float32Array, scale: number, zero: number, enough: number): number {
  let sum = 0;
  for (let index = 0; index < values.length && sum < enough; index++) {
    const value = values[index] as number;
    const step = clamped(Math.round(value / scale) + zero, 15) - zero;
    sum += (value - step * scale) ** 2;
  }
  return sum;
}

function clamped(step: number, most: number): number {
  return step < 0 ? 0 : step > most ? most : step;
}

function pack(steps: Uint8Array, bits: BlockBits, target: Uint8Array): void {
  if (bits === 8) {
    target.set(steps);
    return;
  }
  for (let pair = 0; pair < target.length; pair++) {
    target[pair] = (steps[2 * pair] as number) | ((steps[2 * pair + 1] as number) << 4);
  }
}
