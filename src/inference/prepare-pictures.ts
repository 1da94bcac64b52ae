import { createHash } from 'node:crypto';
import { type DecodeOptions, decodePicture } from '../image/decode-picture';
import { frameHash } from '../image/frame-hash';
import type { RgbImage } from '../image/rgb-image';
import type { DescribeRequest } from '../protocol/describe-request';
import { defined } from '../system/defined';

/** A decoded picture with crop and masks applied. */
export interface PreparedPicture {
  readonly image: RgbImage;
  readonly hash: string;
}

/** Decodes every picture of a request and applies its masks and crop. @throws ImageError */
export async function preparePictures(
  pictures: readonly Uint8Array[],
  { crop, masks }: Pick<DescribeRequest, 'crop' | 'masks'>,
): Promise<PreparedPicture[]> {
  const options: DecodeOptions = defined({ crop, masks });
  const prepared: PreparedPicture[] = [];
  for (const bytes of pictures) {
    const image = await decodePicture(bytes, options);
    prepared.push({ image, hash: frameHash(image) });
  }
  return prepared;
}

/** One hash for a request: its picture's, or that of its pictures' hashes. */
export function requestHash(pictures: readonly Pick<PreparedPicture, 'hash'>[]): string {
  const [only, ...others] = pictures;
  if (only && others.length === 0) return only.hash;
  const hash = createHash('sha256');
  for (const picture of pictures) hash.update(picture.hash);
  return hash.digest('hex');
}
