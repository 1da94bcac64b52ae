import type { TensorSource } from '../../model/safetensors/tensor-source';
import { matrixShape, rowBlocks } from '../weights';

/** Group bounds are multiples of this, for vector kernels. */
const alignment = 16;

/** Names of two linear layers (`name.weight`, `name.bias`) with an activation function between them. */
export interface LayerPair {
  /** Its outputs are the channels. */
  readonly producer: string;
  /** Reads the channels. */
  readonly consumer: string;
}

/** Some of the channels, read once. */
interface Channels {
  readonly count: number;
  read(): Promise<readonly number[]>;
}

/**
 * The tensors of a source, and pairs of layers in parts: some outputs of the first layer, and the inputs of the second that read
 * them. The sum of the second layers' results is the second layer's; its bias belongs to the first part.
 */
export class GroupedChannels implements TensorSource {
  readonly #source: TensorSource;
  /** Parts by their tensor names: the tensor, and the channels along its rows or columns. */
  readonly #parts = new Map<string, { tensor: string; rows?: Channels; columns?: Channels }>();

  constructor(source: TensorSource) {
    this.#source = source;
  }

  /**
   * Splits the channels into the largest ones and the rest.
   * @param share of the largest @param sizes of the channels, read when a part is
   * @returns the parts, e.g. `mlp.fc1.0` and `mlp.fc2.0`
   */
  split(
    { producer, consumer }: LayerPair,
    share: number,
    sizes: () => Promise<ArrayLike<number>>,
  ): readonly LayerPair[] {
    const [count] = matrixShape(this.#source, `${producer}.weight`);
    const bound = Math.max(1, Math.round((share * count) / alignment)) * alignment;
    let sorted: Promise<readonly number[]> | undefined;
    const groups = [
      [0, Math.min(bound, count)],
      [bound, count],
    ] as const;
    return groups
      .filter(([begin, end]) => begin < end)
      .map(([begin, end], index) => {
        const channels: Channels = {
          count: end - begin,
          read: async () => {
            sorted ??= sizes().then(largestFirst);
            return (await sorted).slice(begin, end);
          },
        };
        const part = { producer: `${producer}.${index}`, consumer: `${consumer}.${index}` };
        this.#parts.set(`${part.producer}.weight`, { tensor: `${producer}.weight`, rows: channels });
        this.#parts.set(`${part.producer}.bias`, { tensor: `${producer}.bias`, rows: channels });
        this.#parts.set(`${part.consumer}.weight`, { tensor: `${consumer}.weight`, columns: channels });
        this.#parts.set(`${part.consumer}.bias`, { tensor: `${consumer}.bias` });
        return part;
      });
  }

  shape(name: string): readonly number[] {
    const part = this.#parts.get(name);
    if (!part) return this.#source.shape(name);
    const [rows = 1, ...inner] = this.#source.shape(part.tensor);
    return [part.rows?.count ?? rows, ...(part.columns ? [part.columns.count] : inner)];
  }

  read(name: string): Promise<Float32Array> {
    return this.readRows(name, 0, this.shape(name)[0] ?? 0);
  }

  async readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    const part = this.#parts.get(name);
    if (!part) return this.#source.readRows(name, begin, end);
    const [, width] = matrixShape(this.#source, part.tensor);
    if (part.rows) {
      const values = await this.#source.read(part.tensor);
      const chosen = (await part.rows.read()).slice(begin, end);
      return joined(chosen.map((row) => values.subarray(row * width, (row + 1) * width)));
    }
    const values = await this.#source.readRows(part.tensor, begin, end);
    if (!part.columns) return values;
    const chosen = await part.columns.read();
    return joined(
      Array.from({ length: end - begin }, (_, row) =>
        Float32Array.from(chosen, (column) => values[row * width + column] as number),
      ),
    );
  }
}

function largestFirst(sizes: ArrayLike<number>): readonly number[] {
  const channels = Array.from(sizes, (_, channel) => channel);
  return channels.sort((one, other) => (sizes[other] as number) - (sizes[one] as number));
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * width);
  for (const [index, row] of rows.entries()) all.set(row, index * width);
  return all;
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
