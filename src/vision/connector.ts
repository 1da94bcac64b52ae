import { PriorityMutex } from '../system/async/priority-mutex';
import type { Projection } from './projection';

/** After the tower: layer norm, pixel shuffle and projection to the text width. */
export interface ConnectorParameters {
  /** [hidden] */
  readonly normWeight: Float32Array;
  /** [hidden] */
  readonly normBias: Float32Array;
  readonly normEps: number;
  /** Side of the square of patches that becomes one image token, e.g. 4. */
  readonly scaleFactor: number;
  /** Hidden size of the text model, e.g. 576. */
  readonly textWidth: number;
  /** [text width, hidden × scaleFactor²], no bias. */
  readonly projection: Projection;
}

export class Connector {
  readonly #parameters: ConnectorParameters;
  /** Of the last tile; see `PatchEmbedding`. */
  #shuffled = new Float32Array();
  readonly #shuffledMutex = new PriorityMutex();

  constructor(parameters: ConnectorParameters) {
    this.#parameters = parameters;
  }

  get textWidth(): number {
    return this.#parameters.textWidth;
  }

  /** @param stream [tokens, hidden], unscaled; it is normalised in place */
  postLayerNorm(stream: Float32Array): Float32Array {
    const { normWeight, normBias, normEps } = this.#parameters;
    return layerNorm(stream, normWeight, normBias, normEps, stream);
  }

  /** @param normalised [tokens, hidden] @returns [tokens / scaleFactor², text width] */
  connect(normalised: Float32Array): Promise<Float32Array> {
    const { normWeight, scaleFactor, projection } = this.#parameters;
    return this.#shuffledMutex.enter(() => {
      if (this.#shuffled.length !== normalised.length) this.#shuffled = new Float32Array(normalised.length);
      return projection.project(pixelShuffle(normalised, normWeight.length, scaleFactor, this.#shuffled));
    });
  }
}

/** Layer norm over the last axis. @param values [rows, weight.length] @param result may be `values` */
export function layerNorm(
  values: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  eps: number,
  result: Float32Array = new Float32Array(values.length),
): Float32Array {
  const width = weight.length;
  for (let begin = 0; begin < values.length; begin += width) {
    let sum = 0;
    for (let index = begin; index < begin + width; index++) sum += values[index] as number;
    const mean = sum / width;
    let squares = 0;
    for (let index = begin; index < begin + width; index++)
      squares += ((values[index] as number) - mean) ** 2;
    const inverse = 1 / Math.sqrt(squares / width + eps);
    for (let column = 0; column < width; column++) {
      const normal = ((values[begin + column] as number) - mean) * inverse;
      result[begin + column] = normal * (weight[column] as number) + (bias[column] as number);
    }
  }
  return result;
}

/**
 * Joins each square of `factor` × `factor` patches into one token, its rows one after the other.
 * @param values [side², hidden] @returns [(side / factor)², hidden × factor²]
 */
export function pixelShuffle(
  values: Float32Array,
  hidden: number,
  factor: number,
  result: Float32Array = new Float32Array(values.length),
): Float32Array {
  const side = Math.sqrt(values.length / hidden);
  const run = factor * hidden;
  let target = 0;
  for (let top = 0; top < side; top += factor) {
    for (let left = 0; left < side; left += factor) {
      for (let row = top; row < top + factor; row++) {
        const begin = (row * side + left) * hidden;
        result.set(values.subarray(begin, begin + run), target);
        target += run;
      }
    }
  }
  return result;
}
