import { createHash } from 'node:crypto';
import { resample } from './resample';
import type { RgbImage } from './rgb-image';

/** SHA-256, hex, over size and pixels as they are after masks and crop: equal frames, equal captions. */
export function frameHash({ width, height, data }: RgbImage): string {
  return createHash('sha256').update(`${width}x${height}\n`).update(data).digest('hex');
}

/**
 * Difference hash, 64 bits as 16 hex digits: which of two neighbours is brighter on a 9 × 8 thumbnail. Frames
 * of the same scene differ in few bits. (N. Krawetz, "Kind of Like That", 2013.)
 */
export function differenceHash(image: RgbImage): string {
  const { data } = resample(image, 9, 8);
  const brightness = (at: number): number =>
    0.299 * (data[at * 3] ?? 0) + 0.587 * (data[at * 3 + 1] ?? 0) + 0.114 * (data[at * 3 + 2] ?? 0);
  let bits = 0n;
  for (let row = 0; row < 8; row++) {
    for (let col = 0; col < 8; col++) {
      bits = (bits << 1n) | (brightness(row * 9 + col) < brightness(row * 9 + col + 1) ? 1n : 0n);
    }
  }
  return bits.toString(16).padStart(16, '0');
}
