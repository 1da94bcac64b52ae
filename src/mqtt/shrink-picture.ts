import type { FrameOptions, PreparedFrame } from '../picture/prepared-frame';

export type PreparePicture = (picture: Uint8Array, options: FrameOptions) => Promise<PreparedFrame>;

/** Longest side in pixels and JPEG quality, tried in this order. */
const sizes = [
  { maxSide: 1920, quality: 80 },
  { maxSide: 1280, quality: 75 },
  { maxSide: 960, quality: 70 },
  { maxSide: 640, quality: 65 },
  { maxSide: 320, quality: 50 },
] as const;

/**
 * Makes a picture small enough for a broker, as a JPEG.
 * @returns undefined when none of the sizes is small enough, or the bytes cannot be read as a picture
 */
export async function shrinkPicture(
  picture: Uint8Array,
  limitBytes: number,
  prepare: PreparePicture,
): Promise<Uint8Array | undefined> {
  let smaller = picture;
  for (const size of sizes) {
    try {
      // Each size is made of the one before, which is read faster than the original.
      smaller = (await prepare(smaller, size)).jpeg ?? smaller;
    } catch {
      return undefined;
    }
    if (smaller.byteLength <= limitBytes) return smaller;
  }
  return undefined;
}
