/** Pillow's fixed-point format for 8-bit pictures: 32 − 8 − 2 fractional bits (`PRECISION_BITS`). */
const precisionBits = 22;

/** Lobes of the Lanczos window (`Image.LANCZOS`). */
const lanczosSupport = 3;

/** For each output position: its first input position, and its weights, padded with zeros to `taps`. */
export interface Kernel {
  /** The most input positions that an output position uses. */
  readonly taps: number;
  readonly starts: Int32Array;
  /** Input positions in use, per output position. */
  readonly counts: Int32Array;
  /** [output, taps], fixed-point with 22 fractional bits */
  readonly weights: Int32Array;
}

/** Kernels of the last sizes: a camera's pictures are all of one size. */
const recent = new Map<string, Kernel>();
const recentKernels = 16;

/** The weights that resize `inputSize` pixels to `outputSize`. Must not be changed: it is kept for the next picture. */
export function lanczosKernel(inputSize: number, outputSize: number): Kernel {
  const key = `${inputSize}>${outputSize}`;
  const kernel = recent.get(key) ?? computeKernel(inputSize, outputSize);
  recent.delete(key);
  recent.set(key, kernel);
  for (const oldest of recent.keys()) {
    if (recent.size <= recentKernels) break;
    recent.delete(oldest);
  }
  return kernel;
}

/** `precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow's Resample.c. */
function computeKernel(inputSize: number, outputSize: number): Kernel {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = lanczosSupport * filterScale;
  const taps = Math.min(inputSize, Math.ceil(support) * 2 + 1);
  const starts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * taps);
  const raw = new Float64Array(taps);
  for (let position = 0; position < outputSize; position++) {
    const centre = (position + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(inputSize, Math.trunc(centre + support + 0.5)) - start;
    let total = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = lanczos((start + tap - centre + 0.5) * (1 / filterScale));
      raw[tap] = weight;
      total += weight;
    }
    for (let tap = 0; tap < count; tap++) {
      const weight = raw[tap] as number;
      const fixed = (total === 0 ? weight : weight / total) * (1 << precisionBits);
      weights[position * taps + tap] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    starts[position] = start;
    counts[position] = count;
  }
  return { taps, starts, counts, weights };
}

function lanczos(x: number): number {
  return x >= -lanczosSupport && x < lanczosSupport ? sinc(x) * sinc(x / lanczosSupport) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
