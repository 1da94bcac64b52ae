import type { TensorSource } from '../model/safetensors/tensor-source';
import { matrixShape } from './weights';

/** One matrix stacked from several of a source's, e.g. query, key and value projection. */
export class StackedTensors implements TensorSource {
  readonly #source: TensorSource;
  readonly #stacks = new Map<string, readonly string[]>();

  constructor(source: TensorSource) {
    this.#source = source;
  }

  /** Defines a stack of matrices [rows_i, columns]; its name then stands for one matrix of [Σ rows_i, columns]. */
  stack(name: string, parts: readonly string[]): string {
    this.#stacks.set(name, parts);
    return name;
  }

  shape(name: string): readonly number[] {
    const parts = this.#stacks.get(name);
    if (!parts) return this.#source.shape(name);
    const shapes = parts.map((part) => matrixShape(this.#source, part));
    return [shapes.reduce((sum, [rows]) => sum + rows, 0), shapes[0]?.[1] ?? 0];
  }

  read(name: string): Promise<Float32Array> {
    return this.#stacks.has(name)
      ? this.readRows(name, 0, this.shape(name)[0] ?? 0)
      : this.#source.read(name);
  }

  async readRows(name: string, begin: number, end: number): Promise<Float32Array> {
    const parts = this.#stacks.get(name);
    if (!parts) return this.#source.readRows(name, begin, end);
    const columns = this.shape(name)[1] ?? 0;
    const rows = new Float32Array((end - begin) * columns);
    let top = 0;
    for (const part of parts) {
      const bottom = top + (this.#source.shape(part)[0] ?? 0);
      const from = Math.max(begin, top);
      const to = Math.min(end, bottom);
      if (from < to) {
        rows.set(await this.#source.readRows(part, from - top, to - top), (from - begin) * columns);
      }
      top = bottom;
    }
    return rows;
  }
}
