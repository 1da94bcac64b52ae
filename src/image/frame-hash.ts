import { createHash } from 'node:crypto';
import { resample } from './resize/resample';
import type { RgbImage } from './rgb-image';

/** SHA-256, hex, of the size and pixels after masks and crop: equal frames have equal captions. */
export function frameHash({ width, height, data }: RgbImage): string {
  return createHash('sha256').update(`${width}x${height}\n`).update(data).digest('hex');
}

/** Cells in a row and in a column. */
const cells = 16;

/** Grey levels: a smaller step is noise. Without this, walls and night skies change a third of their bits from frame to frame. */
const leastStep = 4;

/**
 * Difference hash, 512 bits as 128 hex digits: for each of 16 × 16 cells, whether its right and lower neighbours are
 * brighter. Frames of the same scene differ in few bits. (N. Krawetz, "Kind of Like That", 2013, has 64 bits and one
 * direction: on the shipped frames, a person a third as tall as the picture changes no more of those bits than noise.)
 */
export function differenceHash(image: RgbImage): string {
  const side = cells + 1;
  const { data } = resample(image, side, side);
  const brightness = (row: number, col: number): number => {
    const at = (row * side + col) * 3;
    return 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
  };
  let bits = 0n;
  for (let row = 0; row < cells; row++) {
    for (let col = 0; col < cells; col++) {
      const here = brightness(row, col) + leastStep;
      bits = (bits << 1n) | (brightness(row, col + 1) > here ? 1n : 0n);
      bits = (bits << 1n) | (brightness(row + 1, col) > here ? 1n : 0n);
    }
  }
  return bits.toString(16).padStart((cells * cells * 2) / 4, '0');
}
