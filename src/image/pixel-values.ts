import type { RgbImage } from './rgb-image';

/** The value settings of the checkpoint's preprocessor_config.json. */
export interface PixelSettings {
  /** Scales 0 … 255 to 0 … 1. */
  readonly rescaleFactor: number;
  /** Per channel, for values in 0 … 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * @param values where to write them: 3 × height × width values
 * @returns [3, height, width] float32: (x · rescaleFactor − mean) / std, computed once per possible byte
 */
export function pixelValues(
  tile: RgbImage,
  { rescaleFactor, mean, std }: PixelSettings,
  values: Float32Array = new Float32Array(3 * tile.width * tile.height),
): Float32Array {
  const pixels = tile.width * tile.height;
  for (let channel = 0; channel < 3; channel++) {
    const table = Float32Array.from(
      { length: 256 },
      (_, byte) => (Math.fround(byte * rescaleFactor) - (mean[channel] ?? 0)) / (std[channel] ?? 1),
    );
    const plane = values.subarray(channel * pixels, (channel + 1) * pixels);
    for (let pixel = 0; pixel < pixels; pixel++) {
      plane[pixel] = table[tile.data[pixel * 3 + channel] as number] as number;
    }
  }
  return values;
}
