import type { RgbImage } from '../rgb-image';
import { type Kernel, lanczosKernel } from './lanczos-kernel';
import { loadResampleModule, type ResampleModule } from './resample-module';

/** Bytes of a picture that are in the module's memory at a time: about the size of a core's cache. */
const bandBytes = 1 << 20;

/** The module's loops read, and write, up to this many bytes beyond what they are asked for. */
const margin = 32;

/**
 * Lanczos resampling, equal byte for byte to `Image.resize(size, LANCZOS)` of Pillow 13 on RGB pictures: two
 * passes, each rounded to 8 bits (src/libImaging/Resample.c). Releases before 13 always start with the rows.
 * The inner loops are WebAssembly: `wasm/resample.ts`.
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

/** The horizontal pass. Four rows share the weights. */
function resampleRows(image: RgbImage, width: number): RgbImage {
  if (width === image.width) return image;
  const { height, data: input } = image;
  const kernel = lanczosKernel(image.width, width);
  const stride = image.width * 3;
  const outputStride = width * 3 + 1;
  const bandRows = Math.max(4, 4 * Math.floor(bandBytes / (4 * stride)));
  const quads = Math.ceil(kernel.taps / 4);
  const module = loadResampleModule();
  const [starts, weights, band, output] = module.reserve(
    width * 4,
    width * quads * 16,
    bandRows * stride + margin,
    bandRows * outputStride + margin,
  );
  writeStarts(module, starts, kernel);
  writeWeights(module, weights, kernel, quads * 4);
  const data = new Uint8Array(width * height * 3);
  for (let top = 0; top < height; top += bandRows) {
    const rows = Math.min(bandRows, height - top);
    module.bytes.set(input.subarray(top * stride, (top + rows) * stride), band);
    for (let row = 0; row < rows; row += 4) {
      const to = output + row * outputStride;
      module.addColumns(starts, stride, weights, quads, band + row * stride, to, outputStride, width);
    }
    for (let row = 0; row < rows; row++) {
      const from = output + row * outputStride;
      data.set(module.bytes.subarray(from, from + width * 3), (top + row) * width * 3);
    }
  }
  return { width, height, data };
}

/** The vertical pass, in strips that are as wide as the memory permits. */
function resampleColumns(image: RgbImage, height: number): RgbImage {
  if (height === image.height) return image;
  const { width, data: input } = image;
  const kernel = lanczosKernel(image.height, height);
  const { starts, counts } = kernel;
  const stride = width * 3;
  const data = new Uint8Array(stride * height);
  const strip = Math.min(stride, Math.max(16, Math.floor(bandBytes / kernel.taps)));
  const bandRows = Math.max(kernel.taps, Math.floor(bandBytes / strip)) + 1;
  const pairs = Math.ceil(kernel.taps / 2);
  const module = loadResampleModule();
  const [weights, band, output] = module.reserve(
    height * pairs * 8,
    bandRows * strip + margin,
    strip + margin,
  );
  writeWeights(module, weights, kernel, pairs * 2);
  for (let left = 0; left < stride; left += strip) {
    const bytes = Math.min(strip, stride - left);
    let first = 0;
    let end = 0;
    for (let y = 0; y < height; y++) {
      const start = starts[y] as number;
      const count = counts[y] as number;
      if (start + count > end) {
        first = start;
        end = Math.min(image.height, first + bandRows - 1);
        for (let row = first; row < end; row++) {
          const from = row * stride + left;
          module.bytes.set(input.subarray(from, from + bytes), band + (row - first) * bytes);
        }
      }
      const from = band + (start - first) * bytes;
      module.addRows(from, bytes, weights + y * pairs * 8, Math.ceil(count / 2), output, bytes);
      data.set(module.bytes.subarray(output, output + bytes), y * stride + left);
    }
  }
  return { width, height, data };
}

/** Offsets in a row, in bytes, of each output pixel's first input pixel. */
function writeStarts(module: ResampleModule, address: number, kernel: Kernel): void {
  const words = new Uint32Array(module.bytes.buffer, address, kernel.starts.length);
  for (let position = 0; position < words.length; position++) {
    words[position] = (kernel.starts[position] as number) * 3;
  }
}

/**
 * Weights as the module's loops read them: for each two, 16 bits of either's low part, then of either's high part.
 * @param taps weights of an output position; those beyond the kernel's are zero
 */
function writeWeights(module: ResampleModule, address: number, kernel: Kernel, taps: number): void {
  const positions = kernel.starts.length;
  const halves = new Int16Array(module.bytes.buffer, address, positions * taps * 2);
  let at = 0;
  for (let position = 0; position < positions; position++) {
    for (let tap = 0; tap < taps; tap += 2) {
      const one = tap < kernel.taps ? (kernel.weights[position * kernel.taps + tap] as number) : 0;
      const other = tap + 1 < kernel.taps ? (kernel.weights[position * kernel.taps + tap + 1] as number) : 0;
      halves[at] = one & 4095;
      halves[at + 1] = other & 4095;
      halves[at + 2] = one >> 12;
      halves[at + 3] = other >> 12;
      at += 4;
    }
  }
}
