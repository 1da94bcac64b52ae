import type { RgbImage } from './rgb-image';
import { sharpLibrary } from './sharp-library';

/** Enough to recognise a scene; 160 × 120 pixels of a camera take 3 to 6 KB. */
const quality = 70;

/** @param side longest side in pixels; a smaller picture stays as it is @returns a JPEG */
export async function thumbnail({ data, width, height }: RgbImage, side: number): Promise<Buffer> {
  const sharp = await sharpLibrary();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality })
    .toBuffer();
}
