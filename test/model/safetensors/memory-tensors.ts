import type { TensorSource } from '../../../src/model/safetensors/tensor-source';

/** Tensors from values in memory. */
export class MemoryTensors implements TensorSource {
  readonly #tensors = new Map<string, { readonly shape: readonly number[]; readonly values: Float32Array }>();

  add(name: string, shape: readonly number[], values: Float32Array): this {
    this.#tensors.set(name, { shape, values });
    return this;
  }

  shape(name: string): readonly number[] {
    return this.#get(name).shape;
  }

  values(name: string): Float32Array {
    return this.#get(name).values;
  }

  async read(name: string): Promise<Float32Array> {
    return this.#get(name).values;
  }

  async readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    const { shape, values } = this.#get(name);
    const columns = values.length / (shape[0] ?? 1);
    return values.subarray(begin * columns, end * columns);
  }

  #get(name: string) {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error(`the test has no tensor ${name}`);
    return tensor;
  }
}

/** Repeatable values in [-1, 1): a linear congruential generator (Numerical Recipes' constants). */
export function seededValues(count: number, seed: number): Float32Array {
  const values = new Float32Array(count);
  let state = seed >>> 0;
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[index] = state / 2 ** 31 - 1;
  }
  return values;
}
