/**
 * A fixed orthogonal matrix R for rows of a width: signs, then a Hadamard transform over the width's largest power of two and a
 * cosine transform over the odd rest. It spreads an outlier channel over all channels, so that blocks of many channels can share
 * a scale; the function stays the same when the weights are rotated too (QuaRot, arXiv 2404.00456).
 */
export class Rotation {
  readonly width: number;
  /** The width is odd · even; channel `o · even + e`. */
  readonly #odd: number;
  readonly #even: number;
  readonly #signs: Float64Array;
  readonly #cosines: readonly Float64Array[];

  constructor(width: number) {
    this.width = width;
    this.#even = width & -width;
    this.#odd = width / this.#even;
    this.#signs = alternatingSigns(width);
    this.#cosines = cosineRows(this.#odd);
  }

  /** Replaces each row x of [rows, width] by x · R. */
  rotate(rows: Float32Array): void {
    const row = new Float64Array(this.width);
    for (let start = 0; start < rows.length; start += this.width) {
      for (let channel = 0; channel < this.width; channel++) {
        row[channel] = (rows[start + channel] as number) * (this.#signs[channel] as number);
      }
      for (let part = 0; part < this.width; part += this.#even) {
        hadamard(row.subarray(part, part + this.#even));
      }
      this.#mixOdd(row, rows.subarray(start, start + this.width));
    }
  }

  /** R, [width, width]. */
  matrix(): Float32Array<ArrayBuffer> {
    const rows = new Float32Array(this.width ** 2);
    for (let channel = 0; channel < this.width; channel++) rows[channel * (this.width + 1)] = 1;
    this.rotate(rows);
    return rows;
  }

  #mixOdd(row: Float64Array, target: Float32Array): void {
    const scale = 1 / Math.sqrt(this.#even);
    for (const [frequency, cosines] of this.#cosines.entries()) {
      for (let even = 0; even < this.#even; even++) {
        let sum = 0;
        for (let odd = 0; odd < this.#odd; odd++) {
          sum += (cosines[odd] as number) * (row[odd * this.#even + even] as number);
        }
        target[frequency * this.#even + even] = sum * scale;
      }
    }
  }
}

/** Constants of Numerical Recipes' generator modulo 2³². */
const [multiplier, increment] = [1664525, 1013904223];

/** Signs without a pattern, the same for every run. */
function alternatingSigns(width: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length: width }, () => {
    state = (Math.imul(state, multiplier) + increment) >>> 0;
    return state >>> 31 === 1 ? 1 : -1;
  });
}

/** Orthonormal rows of the cosine transform (DCT-II). */
function cosineRows(size: number): readonly Float64Array[] {
  return Array.from({ length: size }, (_, frequency) => {
    const scale = Math.sqrt((frequency === 0 ? 1 : 2) / size);
    return Float64Array.from(
      { length: size },
      (_unused, place) => scale * Math.cos((Math.PI * frequency * (2 * place + 1)) / (2 * size)),
    );
  });
}

/** In place, not normalised; the length is a power of two. */
function hadamard(values: Float64Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let start = 0; start < values.length; start += 2 * half) {
      for (let index = start; index < start + half; index++) {
        const [one, other] = [values[index] as number, values[index + half] as number];
        values[index] = one + other;
        values[index + half] = one - other;
      }
    }
  }
}
