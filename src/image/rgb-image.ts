/** An upright picture: 8 bits per channel, red, green and blue interleaved, row by row. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** width × height × 3 bytes */
  readonly data: Uint8Array;
}

/** Copies a rectangle of whole pixels. The rectangle must lie inside the picture. */
export function cropPixels(
  image: RgbImage,
  left: number,
  top: number,
  width: number,
  height: number,
): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}
