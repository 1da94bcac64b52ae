import type { TensorSource } from '../model/safetensors/tensor-source';
import { matrixShape } from './weights';

/** Factors of a matrix [rows, columns], or of a vector, whose entries are its rows. */
export interface TensorScaling {
  readonly rows?: Float32Array;
  readonly columns?: Float32Array;
}

/** A source's tensors, some of them with their rows or columns multiplied by factors when they are read. */
export class ScaledTensors implements TensorSource {
  readonly #source: TensorSource;
  readonly #scalings: ReadonlyMap<string, TensorScaling>;

  constructor(source: TensorSource, scalings: ReadonlyMap<string, TensorScaling>) {
    this.#source = source;
    this.#scalings = scalings;
  }

  shape(name: string): readonly number[] {
    return this.#source.shape(name);
  }

  async read(name: string): Promise<Float32Array> {
    return this.#scaled(name, await this.#source.read(name), 0);
  }

  async readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    return this.#scaled(name, await this.#source.readRows(name, begin, end), begin);
  }

  #scaled(name: string, values: Float32Array, begin: number): Float32Array {
    const scaling = this.#scalings.get(name);
    if (!scaling) return values;
    const { rows, columns } = scaling;
    const width = matrixShape(this, name)[1];
    const scaled = new Float32Array(values.length);
    for (let start = 0; start < values.length; start += width) {
      const ofRow = rows?.[begin + start / width] ?? 1;
      for (let column = 0; column < width; column++) {
        scaled[start + column] = (values[start + column] as number) * ofRow * (columns?.[column] ?? 1);
      }
    }
    return scaled;
  }
}
