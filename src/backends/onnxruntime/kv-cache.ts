/** Cached tokens are made room for in blocks of this many; a block costs a copy of the cache when it is full. */
const blockTokens = 128;

export interface KvCacheShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Keys and values of one sequence: per layer two buffers [kvHeads, capacity, headDim], grown as tokens come. */
export class KvCache {
  readonly #shape: KvCacheShape;
  /** Per layer: keys, values. */
  #buffers: Float32Array[];
  #capacity = 0;
  #length = 0;

  constructor(shape: KvCacheShape) {
    this.#shape = shape;
    this.#buffers = Array.from({ length: 2 * shape.layers }, () => new Float32Array());
    this.#grow(blockTokens);
  }

  get length(): number {
    return this.#length;
  }

  /** Tokens there is room for; more than `length`, the rest is zeros or stale. */
  get capacity(): number {
    return this.#capacity;
  }

  get sizeBytes(): number {
    return this.#buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** @param index 2 · layer for keys, 2 · layer + 1 for values @returns [kvHeads, capacity, headDim], live */
  buffer(index: number): Float32Array {
    return this.#buffers[index] as Float32Array;
  }

  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** @param newRows [2 · layers · kvHeads, tokens, headDim]: per layer keys, then values */
  append(newRows: Float32Array, tokens: number): void {
    const { kvHeads, headDim } = this.#shape;
    if (this.#length + tokens > this.#capacity) {
      this.#grow(Math.ceil((this.#length + tokens) / blockTokens) * blockTokens);
    }
    const rowsLength = tokens * headDim;
    for (const [index, buffer] of this.#buffers.entries()) {
      for (let head = 0; head < kvHeads; head++) {
        const from = (index * kvHeads + head) * rowsLength;
        const to = (head * this.#capacity + this.#length) * headDim;
        buffer.set(newRows.subarray(from, from + rowsLength), to);
      }
    }
    this.#length += tokens;
  }

  #grow(capacity: number): void {
    const { kvHeads, headDim } = this.#shape;
    this.#buffers = this.#buffers.map((old) => {
      const grown = new Float32Array(kvHeads * capacity * headDim);
      for (let head = 0; head < kvHeads; head++) {
        const from = head * this.#capacity * headDim;
        grown.set(old.subarray(from, from + this.#length * headDim), head * capacity * headDim);
      }
      return grown;
    });
    this.#capacity = capacity;
  }
}
