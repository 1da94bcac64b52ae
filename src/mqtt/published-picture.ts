import type { FrameOptions, PreparedFrame } from '../picture/prepared-frame';

export type PreparePicture = (picture: Uint8Array, options: FrameOptions) => Promise<PreparedFrame>;

export interface PublishedPicture {
  /** With the picture's pixels and nothing else: no metadata, no second picture, no bytes after it. */
  readonly jpeg: Uint8Array;
  readonly isShrunk: boolean;
}

/** Longest side in pixels and JPEG quality, tried in this order. */
const smallerSizes = [
  { maxSide: 1920, quality: 80 },
  { maxSide: 1280, quality: 75 },
  { maxSide: 960, quality: 70 },
  { maxSide: 640, quality: 65 },
  { maxSide: 320, quality: 50 },
] as const;

/**
 * A picture as it is published: a JPEG that carries nothing hidden, and small enough for the broker.
 * @returns undefined if none of the sizes is small enough
 * @throws what `prepare` throws for bytes that cannot be read as a picture
 */
export async function publishedPicture(
  picture: Uint8Array,
  limitBytes: number,
  prepare: PreparePicture,
): Promise<PublishedPicture | undefined> {
  let jpeg = picture;
  for (const size of [{}, ...smallerSizes]) {
    // Each size is made of the one before, which is read faster than the original.
    jpeg = (await prepare(jpeg, size)).jpeg ?? jpeg;
    if (jpeg.byteLength <= limitBytes) return { jpeg, isShrunk: 'maxSide' in size };
  }
  return undefined;
}
