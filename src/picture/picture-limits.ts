import { ImageError } from './image-error';

/** What a picture may cost before it is refused. */
export interface PictureLimits {
  readonly maxBytes: number;
  /** Width × height, checked in the header before anything is unpacked. */
  readonly maxPixels: number;
  /** For pictures fetched by address. */
  readonly fetchTimeoutMs: number;
}

/** 32 MiB and 64 megapixels: above any home camera, far below what could exhaust a small hub. */
export const defaultPictureLimits: PictureLimits = {
  maxBytes: 32 * 1024 * 1024,
  maxPixels: 64_000_000,
  fetchTimeoutMs: 10_000,
};

/** @throws ImageError `image-too-large` */
export function checkByteCount(sizeBytes: number, limits: Pick<PictureLimits, 'maxBytes'>): void {
  if (sizeBytes > limits.maxBytes) {
    throw new ImageError(
      'image-too-large',
      `the picture has ${sizeBytes} bytes; the limit is ${limits.maxBytes}`,
      { hint: 'Use a smaller snapshot of the camera, e.g. that of its sub-stream.' },
    );
  }
}
