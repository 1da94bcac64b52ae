/** Entries of a tensor's table of values; 12 random bits select one. */
const quantiles = 4096;

/** Bytes drawn at a time. */
const blockElements = 1 << 20;

/**
 * Endless normally distributed bfloat16 values, the same for the same seed and name. A value is one of 4096 quantiles of
 * the distribution, drawn by a small generator: fast enough for hundreds of millions of weights.
 */
export class RandomWeights {
  readonly #table: Uint16Array;
  #state: number;

  constructor(seed: number, name: string, mean: number, deviation: number) {
    this.#table = new Uint16Array(quantiles);
    const value = new Float32Array(1);
    const bits = new Uint32Array(value.buffer);
    for (let i = 0; i < quantiles; i++) {
      value[0] = mean + deviation * (standardQuantiles[i] ?? 0);
      // Rounded towards zero to bfloat16, which is precise enough here.
      this.#table[i] = (bits[0] ?? 0) >>> 16;
    }
    this.#state = mixedSeed(seed, name);
  }

  /** @returns blocks of `elements` bfloat16 values in total; a block is overwritten by the next one */
  *blocks(elements: number): Generator<Uint16Array> {
    const block = new Uint16Array(Math.min(elements, blockElements));
    for (let left = elements; left > 0; left -= block.length) {
      const piece = block.subarray(0, Math.min(left, block.length));
      this.#fill(piece);
      yield piece;
    }
  }

  #fill(out: Uint16Array): void {
    const table = this.#table;
    let state = this.#state;
    for (let i = 0; i < out.length; i++) {
      // xorshift32 (Marsaglia 2003); the upper bits are the better ones.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      out[i] = table[state >>> 20] ?? 0;
    }
    this.#state = state;
  }
}

/** The middle of each of 4096 equally likely intervals of the standard normal distribution. */
const standardQuantiles = Float64Array.from({ length: quantiles }, (_, i) =>
  normalQuantile((i + 0.5) / quantiles),
);

/** Inverse of the normal distribution function; Abramowitz & Stegun 26.2.23, error below 4.5e-4. */
function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability);
  const t = Math.sqrt(-2 * Math.log(probability));
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return numerator / denominator - t;
}

/** FNV-1a over seed and name; never 0, where xorshift would stay. */
function mixedSeed(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (const character of `${seed}/${name}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash === 0 ? 1 : hash;
}
