import type { TensorSource } from '../../model/safetensors/tensor-source';
import type { Rotation } from '../rotation';
import { matrixShape } from '../weights';

/**
 * The decoder's tensors for a rotated residual stream: every row x of it is x · R. The norms divide by a row's size, which R
 * keeps; their weights become part of the layers that read them, and are 1.
 */
export class RotatedDecoder implements TensorSource {
  readonly #source: TensorSource;
  readonly #rotation: Rotation;
  /** Weights that read the stream, by name, with their norm. */
  readonly #readers = new Map<string, string>();
  /** Weights that add to the stream. */
  readonly #writers = new Set<string>();
  /** The last writer that was read: writers are read as a whole. */
  #written: { readonly name: string; readonly values: Float32Array } | undefined;

  /** @param head name of the weight that computes the logits */
  constructor(source: TensorSource, layers: number, head: string, rotation: Rotation) {
    this.#source = source;
    this.#rotation = rotation;
    for (let layer = 0; layer < layers; layer++) {
      const at = `text_model.layers.${layer}`;
      for (const name of ['q', 'k', 'v']) {
        this.#readers.set(`${at}.self_attn.${name}_proj.weight`, `${at}.input_layernorm.weight`);
      }
      for (const name of ['gate', 'up']) {
        this.#readers.set(`${at}.mlp.${name}_proj.weight`, `${at}.post_attention_layernorm.weight`);
      }
      this.#writers.add(`${at}.self_attn.o_proj.weight`).add(`${at}.mlp.down_proj.weight`);
    }
    this.#readers.set(head, 'text_model.norm.weight');
  }

  shape(name: string): readonly number[] {
    return this.#source.shape(name);
  }

  read(name: string): Promise<Float32Array> {
    return this.readRows(name, 0, this.shape(name)[0] ?? 0);
  }

  async readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    const norm = this.#readers.get(name);
    if (norm !== undefined) return this.#reader(name, begin, end, norm);
    if (this.#writers.has(name)) {
      const [, columns] = matrixShape(this.#source, name);
      return (await this.#writer(name)).slice(begin * columns, end * columns);
    }
    if ([...this.#readers.values()].includes(name)) return new Float32Array(end - begin).fill(1);
    return this.#source.readRows(name, begin, end);
  }

  async #reader(name: string, begin: number, end: number, norm: string): Promise<Float32Array> {
    const sizes = await this.#source.read(norm);
    const read = await this.#source.readRows(name, begin, end);
    const rows = read.map((value, index) => value * (sizes[index % sizes.length] as number));
    this.#rotation.rotate(rows);
    return rows;
  }

  /** Rᵀ · W. */
  async #writer(name: string): Promise<Float32Array> {
    if (this.#written?.name === name) return this.#written.values;
    const [rows, columns] = matrixShape(this.#source, name);
    const turned = transposed(await this.#source.read(name), rows, columns);
    this.#rotation.rotate(turned);
    const values = transposed(turned, columns, rows);
    this.#written = { name, values };
    return values;
  }
}

/** @returns [columns, rows] */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return turned;
}
