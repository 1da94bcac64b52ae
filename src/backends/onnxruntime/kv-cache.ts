/** The cache grows in blocks of this many tokens; each growth copies the cache. */
const blockTokens = 64;

export interface KvCacheShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/**
 * Keys and values of one sequence; grows as tokens are added. Two buffers per layer: keys [kvHeads, headDim,
 * capacity], transposed for the product with a query, and values [kvHeads, capacity, headDim].
 */
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

  /** Tokens the buffers have room for, at least `length`; the rest is zero or stale. */
  get capacity(): number {
    return this.#capacity;
  }

  get sizeBytes(): number {
    return this.#buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** @param index 2 · layer for keys, 2 · layer + 1 for values @returns the buffer itself, until the next append */
  buffer(index: number): Float32Array {
    return this.#buffers[index] as Float32Array;
  }

  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** @param newRows [2 · layers · kvHeads, tokens, headDim]: per layer keys, then values */
  append(newRows: Float32Array, tokens: number): void {
    const { layers, kvHeads, headDim } = this.#shape;
    if (this.#length + tokens > this.#capacity) {
      this.#grow(Math.ceil((this.#length + tokens) / blockTokens) * blockTokens);
    }
    for (let slot = 0; slot < 2 * layers * kvHeads; slot++) {
      const from = slot * tokens * headDim;
      const rows = newRows.subarray(from, from + tokens * headDim);
      const buffer = this.buffer(Math.floor(slot / kvHeads));
      const head = (slot % kvHeads) * this.#capacity * headDim;
      if (Math.floor(slot / kvHeads) % 2 === 1) {
        buffer.set(rows, head + this.#length * headDim);
      } else {
        scatterColumns(rows, tokens, headDim, buffer, head + this.#length, this.#capacity);
      }
    }
    this.#length += tokens;
  }

  #grow(capacity: number): void {
    const { kvHeads, headDim } = this.#shape;
    this.#buffers = this.#buffers.map((old, index) => {
      const grown = new Float32Array(kvHeads * headDim * capacity);
      // Keys: headDim lines of tokens a head; values: one line of tokens × headDim.
      const lines = kvHeads * (index % 2 === 0 ? headDim : 1);
      const unit = index % 2 === 0 ? 1 : headDim;
      for (let line = 0; line < lines; line++) {
        const from = line * this.#capacity * unit;
        grown.set(old.subarray(from, from + this.#length * unit), line * capacity * unit);
      }
      return grown;
    });
    this.#capacity = capacity;
  }
}

/** Writes rows [tokens, headDim] into columns of a matrix whose rows are `width` long. */
function scatterColumns(
  rows: Float32Array,
  tokens: number,
  headDim: number,
  target: Float32Array,
  offset: number,
  width: number,
): void {
  for (let column = 0; column < headDim; column++) {
    const line = offset + column * width;
    for (let token = 0; token < tokens; token++) {
      target[line + token] = rows[token * headDim + column] as number;
    }
  }
}
