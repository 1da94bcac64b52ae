import type { RgbImage } from './rgb-image';

/** Pillow's fixed-point format for 8-bit pictures: 32 − 8 − 2 fractional bits (`PRECISION_BITS`). */
const precisionBits = 22;

/** Lobes of the Lanczos window (`Image.LANCZOS`). */
const lanczosSupport = 3;

/** For each output position: its first input position and its weights, padded with zeros to `taps`. */
interface Kernel {
  readonly taps: number;
  readonly starts: Int32Array;
  /** Taps in use, per output position. */
  readonly counts: Int32Array;
  /** [output, taps] fixed-point */
  readonly weights: Int32Array;
}

/**
 * Lanczos resampling, equal byte for byte to `Image.resize(size, LANCZOS)` of Pillow 13 on RGB pictures: two
 * passes, each rounded to 8 bits (src/libImaging/Resample.c). Releases before 13 always start with the rows.
 */
export function resample(image: RgbImage, width: number, height: number): RgbImage {
  return verticalFirst(image, width, height)
    ? resampleRows(resampleColumns(image, height), width)
    : resampleColumns(resampleRows(image, width), height);
}

/** Pillow 13 starts with the columns when that leaves clearly fewer rows for the other pass. */
function verticalFirst(image: RgbImage, width: number, height: number): boolean {
  const fewerRows = image.height - height;
  return fewerRows > 0 && fewerRows > 2 * (image.width - width);
}

function resampleRows(image: RgbImage, width: number): RgbImage {
  if (width === image.width) return image;
  const { taps, starts, counts, weights } = lanczosKernel(image.width, width);
  const { data: input, height } = image;
  const data = new Uint8Array(width * height * 3);
  const half = 1 << (precisionBits - 1);
  const stride = image.width * 3;
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++, out += 3) {
      let red = half;
      let green = half;
      let blue = half;
      let at = y * stride + (starts[x] as number) * 3;
      const first = x * taps;
      const end = first + (counts[x] as number);
      for (let tap = first; tap < end; tap++, at += 3) {
        const weight = weights[tap] as number;
        red = (red + Math.imul(input[at] as number, weight)) | 0;
        green = (green + Math.imul(input[at + 1] as number, weight)) | 0;
        blue = (blue + Math.imul(input[at + 2] as number, weight)) | 0;
      }
      data[out] = clip8(red);
      data[out + 1] = clip8(green);
      data[out + 2] = clip8(blue);
    }
  }
  return { width, height, data };
}

function resampleColumns(image: RgbImage, height: number): RgbImage {
  if (height === image.height) return image;
  const { taps, starts, counts, weights } = lanczosKernel(image.height, height);
  const { data: input, width } = image;
  const stride = width * 3;
  const data = new Uint8Array(stride * height);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << (precisionBits - 1));
    const count = counts[y] as number;
    for (let tap = 0; tap < count; tap++) {
      const weight = weights[y * taps + tap] as number;
      const from = ((starts[y] as number) + tap) * stride;
      for (let x = 0; x < stride; x++) {
        sums[x] = (sums[x] as number) + Math.imul(input[from + x] as number, weight);
      }
    }
    const out = y * stride;
    for (let x = 0; x < stride; x++) data[out + x] = clip8(sums[x] as number);
  }
  return { width, height, data };
}

function clip8(sum: number): number {
  const value = sum >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** `precompute_coeffs` and `normalize_coeffs_8bpc` of Pillow's Resample.c. */
function lanczosKernel(inputSize: number, outputSize: number): Kernel {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = lanczosSupport * filterScale;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * taps);
  for (let position = 0; position < outputSize; position++) {
    const centre = (position + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inputSize, Math.trunc(centre + support + 0.5));
    const raw: number[] = [];
    for (let at = start; at < end; at++) raw.push(lanczos((at - centre + 0.5) * (1 / filterScale)));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    raw.forEach((weight, tap) => {
      const fixed = (total === 0 ? weight : weight / total) * (1 << precisionBits);
      weights[position * taps + tap] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    starts[position] = start;
    counts[position] = end - start;
  }
  return { taps, starts, counts, weights };
}

function lanczos(x: number): number {
  return x >= -lanczosSupport && x < lanczosSupport ? sinc(x) * sinc(x / lanczosSupport) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
