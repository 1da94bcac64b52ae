import { GraphError } from './graph-builder';

/**
 * Equalises the channels x between a producer (a norm, or a linear layer) and the linear layers W that read them: x[j] / s[j]
 * and W[:, j] · s[j] compute the same, and s[j] = activations[j]^α / weights[j]^(1−α) moves a channel's size from one to the
 * other. A quantiser with one scale for many channels then keeps the small ones: SmoothQuant (arXiv 2211.10438). With α = ½
 * the size is spread evenly over both; with α = 0 all columns of the weights have one size.
 *
 * A column's weights are measured relative to what their rows compute, since rows have their own scales. So the result does not
 * depend on how a model's size is spread: if rows or channels were multiplied by powers of two and the next or previous
 * layer divided by them, the equalised weights are the same, bit for bit.
 */
export class ChannelEqualiser {
  readonly #activations: ArrayLike<number>;
  readonly #squares: Float64Array;

  /** @param activations size of each channel: from real inputs, or as the producer's weights let expect */
  constructor(activations: ArrayLike<number>) {
    this.#activations = activations;
    this.#squares = new Float64Array(activations.length);
  }

  /**
   * Adds rows [rows, channels] of a layer that reads the channels; all layers that read them must be added.
   * @throws GraphError `onnx-constant-size` if the rows are not of so many channels
   */
  add(rows: Float32Array): void {
    const channels = this.#squares.length;
    if (channels === 0 || rows.length % channels !== 0) {
      throw new GraphError(
        'onnx-constant-size',
        `expected rows of ${channels} channels, one for each size given, received ${rows.length} weights`,
      );
    }
    for (let start = 0; start < rows.length; start += channels) {
      const row = rows.subarray(start, start + channels);
      const output = outputSize(row, this.#activations);
      if (output === 0) continue;
      for (let channel = 0; channel < channels; channel++) {
        this.#squares[channel] =
          (this.#squares[channel] as number) + ((row[channel] as number) / output) ** 2;
      }
    }
  }

  /**
   * @param strength α, 0 … 1: the share of a channel's size that goes to the weights
   * @returns s, one factor per channel; 1 for a channel that is never produced or never read
   */
  factors(strength = 0.5): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#squares, (square, channel) => {
      const activation = this.#activations[channel] as number;
      const weight = Math.sqrt(square);
      // The first factor changes with a planted power of two, exactly; the second does not change.
      const factor = Math.sqrt(activation / weight) * (activation * weight) ** (strength - 0.5);
      return factor > 0 && Number.isFinite(factor) ? factor : 1;
    });
  }
}

/** Size of a linear layer's output for independent channels of the given sizes. @param row of its weight [out, channels] */
export function outputSize(row: Float32Array, activations: ArrayLike<number>): number {
  let square = 0;
  for (let channel = 0; channel < row.length; channel++) {
    square += ((row[channel] as number) * (activations[channel] as number)) ** 2;
  }
  return Math.sqrt(square);
}
