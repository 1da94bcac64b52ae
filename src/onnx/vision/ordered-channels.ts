import type { TensorSource } from '../../model/safetensors/tensor-source';
import { matrixShape, rowBlocks } from '../weights';

/** Names of two linear layers (`name.weight`, `name.bias`) with an activation function between them. */
export interface LayerPair {
  /** Its outputs are the channels. */
  readonly producer: string;
  /** Reads the channels. */
  readonly consumer: string;
}

/**
 * The tensors of a source with the channels between two layers in another order, the largest first. What both layers compute
 * together stays the same; large channels share blocks with each other only.
 */
export class OrderedChannels implements TensorSource {
  readonly #source: TensorSource;
  readonly #pair: LayerPair;
  readonly #sizes: () => Promise<ArrayLike<number>>;
  #order: Promise<readonly number[]> | undefined;

  /** @param sizes of the channels, read when a tensor of the two layers is */
  constructor(source: TensorSource, pair: LayerPair, sizes: () => Promise<ArrayLike<number>>) {
    this.#source = source;
    this.#pair = pair;
    this.#sizes = sizes;
  }

  shape(name: string): readonly number[] {
    return this.#source.shape(name);
  }

  read(name: string): Promise<Float32Array> {
    return this.readRows(name, 0, this.shape(name)[0] ?? 0);
  }

  async readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    const { producer, consumer } = this.#pair;
    if (name === `${producer}.weight` || name === `${producer}.bias`) return this.#rows(name, begin, end);
    const values = await this.#source.readRows(name, begin, end);
    if (name !== `${consumer}.weight`) return values;
    const order = await this.#largestFirst();
    return values.map(
      (_, index) =>
        values[index - (index % order.length) + (order[index % order.length] as number)] as number,
    );
  }

  async #rows(name: string, begin: number, end: number): Promise<Float32Array> {
    const [, width] = matrixShape(this.#source, name);
    const values = await this.#source.read(name);
    const rows = new Float32Array((end - begin) * width);
    for (const [index, row] of (await this.#largestFirst()).slice(begin, end).entries()) {
      rows.set(values.subarray(row * width, (row + 1) * width), index * width);
    }
    return rows;
  }

  #largestFirst(): Promise<readonly number[]> {
    this.#order ??= this.#sizes().then((sizes) => {
      const channels = Array.from(sizes, (_, channel) => channel);
      return channels.sort((one, other) => (sizes[other] as number) - (sizes[one] as number));
    });
    return this.#order;
  }
}

/**
 * What the outputs of a linear layer after a norm may reach: three deviations above their mean, for independent normal inputs.
 * @param norm its bias is the mean of its outputs, its weight their deviation
 */
export async function highestOutputs(
  source: TensorSource,
  norm: string,
  layer: string,
): Promise<Float32Array> {
  const [deviations, means] = [await source.read(`${norm}.weight`), await source.read(`${norm}.bias`)];
  const highest = (await source.read(`${layer}.bias`)).slice();
  for await (const { begin, end, values } of rowBlocks(source, `${layer}.weight`)) {
    for (let row = begin; row < end; row++) {
      const start = (row - begin) * means.length;
      let mean = highest[row] as number;
      let variance = 0;
      for (let column = 0; column < means.length; column++) {
        const weight = values[start + column] as number;
        mean += weight * (means[column] as number);
        variance += (weight * (deviations[column] as number)) ** 2;
      }
      highest[row] = mean + 3 * Math.sqrt(variance);
    }
  }
  return highest;
}
