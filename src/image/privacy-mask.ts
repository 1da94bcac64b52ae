import { ImageError } from '../picture/image-error';
import type { RgbImage } from './rgb-image';

/** Corner points as fractions of the picture, 0 … 1. */
export type MaskPolygon = readonly (readonly [x: number, y: number])[];

/**
 * Paints polygons black, in place. A pixel is inside when its centre is (even-odd rule).
 * @throws ImageError `image-mask` for fewer than three points or a value that is no finite number
 */
export function burnMasks(image: RgbImage, masks: readonly MaskPolygon[]): void {
  for (const mask of masks) {
    if (mask.length < 3 || !mask.every((point) => point.length === 2 && point.every(Number.isFinite))) {
      throw new ImageError(
        'image-mask',
        `a privacy mask has at least three points [x, y]; received ${JSON.stringify(mask)}`,
        { hint: 'Give each mask as [[x, y], [x, y], [x, y], …] in fractions of the picture, 0 to 1.' },
      );
    }
    paintPolygon(image, mask);
  }
}

function paintPolygon({ width, height, data }: RgbImage, mask: MaskPolygon): void {
  for (let row = 0; row < height; row++) {
    const crossings = rowCrossings(mask, (row + 0.5) / height);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const from = Math.max(0, Math.ceil((crossings[pair] ?? 0) * width - 0.5));
      const to = Math.min(width, Math.ceil((crossings[pair + 1] ?? 0) * width - 0.5));
      if (from < to) data.fill(0, (row * width + from) * 3, (row * width + to) * 3);
    }
  }
}

/** Where the polygon's edges cross the horizontal line at y, from left to right. */
function rowCrossings(mask: MaskPolygon, y: number): number[] {
  const crossings: number[] = [];
  mask.forEach(([x1, y1], index) => {
    const [x2, y2] = mask[(index + 1) % mask.length] ?? [x1, y1];
    if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
  });
  return crossings.sort((a, b) => a - b);
}
