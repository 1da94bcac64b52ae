import type { BoundTensor } from './bound-session';

/** The cache grows in blocks of this many tokens; each growth copies the cache. */
const blockTokens = 64;

export interface KvCacheShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/**
 * Keys and values of one sequence, which the decoder extends in place: per layer a tensor of keys and one of values,
 * [1, kvHeads, capacity, headDim].
 */
export class KvCache {
  readonly #shape: KvCacheShape;
  #tensors: readonly BoundTensor[] = [];
  #capacity = 0;
  #length = 0;

  constructor(shape: KvCacheShape) {
    this.#shape = shape;
    this.#grow(blockTokens);
  }

  get length(): number {
    return this.#length;
  }

  get sizeBytes(): number {
    return this.#tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
  }

  /** Per layer keys, then values; the same tensors until `reserve` returns true. */
  get tensors(): readonly BoundTensor[] {
    return this.#tensors;
  }

  /** Makes room for more tokens. @returns whether the tensors were replaced */
  reserve(tokens: number): boolean {
    const needed = this.#length + tokens;
    if (needed <= this.#capacity) return false;
    this.#grow(Math.ceil(needed / blockTokens) * blockTokens);
    return true;
  }

  /** Counts tokens whose keys and values were written behind the last. */
  extend(tokens: number): void {
    this.#length += tokens;
  }

  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  #grow(capacity: number): void {
    const { layers, kvHeads, headDim } = this.#shape;
    this.#tensors = Array.from({ length: 2 * layers }, (_, index) => {
      const grown = new Float32Array(kvHeads * capacity * headDim);
      const old = this.#tensors[index]?.data;
      for (let head = 0; old instanceof Float32Array && head < kvHeads; head++) {
        const from = head * this.#capacity * headDim;
        grown.set(old.subarray(from, from + this.#length * headDim), head * capacity * headDim);
      }
      return { data: grown, shape: [1, kvHeads, capacity, headDim] };
    });
    this.#capacity = capacity;
  }
}
