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
    this.#replace(blockTokens, []);
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
    this.#replace(Math.ceil(needed / blockTokens) * blockTokens, this.#tensors);
    return true;
  }

  /** Counts tokens whose keys and values were written after the last. */
  extend(tokens: number): void {
    this.#length += tokens;
  }

  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** @returns a new cache with a copy of the first tokens */
  fork(length: number): KvCache {
    const forked = new KvCache(this.#shape);
    forked.#length = Math.min(length, this.#length);
    forked.#replace(Math.max(1, Math.ceil(forked.#length / blockTokens)) * blockTokens, this.#tensors);
    return forked;
  }

  /** New tensors with the tokens of other ones. */
  #replace(capacity: number, from: readonly BoundTensor[]): void {
    const { layers, kvHeads, headDim } = this.#shape;
    this.#tensors = Array.from({ length: 2 * layers }, (_, index) => {
      const data = new Float32Array(kvHeads * capacity * headDim);
      const old = from[index]?.data;
      if (old instanceof Float32Array) {
        for (let head = 0; head < kvHeads; head++) {
          const begin = head * (old.length / kvHeads);
          data.set(old.subarray(begin, begin + this.#length * headDim), head * capacity * headDim);
        }
      }
      return { data, shape: [1, kvHeads, capacity, headDim] };
    });
    this.#capacity = capacity;
  }
}
