import { mendJpeg } from '../picture/jpeg-segments';
import { pictureWithin } from '../picture/picture-bytes';
import { type FrameOptions, hammingDistance, type PreparedFrame } from '../picture/prepared-frame';
import { defined } from '../system/defined';
import { decodePicture } from './decode-picture';
import { differenceHash } from './frame-hash';
import { plainJpeg } from './jpeg/plain-jpeg';
import { recognisePicture } from './recognise-picture';
import type { RgbImage } from './rgb-image';
import { sharpLibrary } from './sharp-library';

/** A picture with a mean brightness below this counts as night. */
const darkBelow = 70;

/** Target mean brightness of a night picture; gamma is limited to 3 (libvips's limit in sharp). */
const nightTarget = 100;
const mostGamma = 3;

const defaultQuality = 85;

/**
 * Upright, masked, cropped, normalised, made smaller: a camera's picture as a JPEG that carries its pixels and nothing
 * else. A JPEG whose pixels need no change keeps them exactly: only the rest of the file is left out.
 * @throws ImageError
 */
export async function prepareFrame(bytes: Uint8Array, options: FrameOptions = {}): Promise<PreparedFrame> {
  const { crop, masks, unless } = options;
  const image = await decodePicture(bytes, defined({ crop, masks }));
  const hash = differenceHash(image);
  const about = { differenceHash: hash, brightness: Math.round(brightnessOf(image)) };
  if (unless && hammingDistance(hash, unless.differenceHash) <= unless.bits) {
    return { ...about, width: image.width, height: image.height };
  }
  const jpeg = keepsPixels(image, options)
    ? await withoutMetadata(mendJpeg(pictureWithin(bytes)).bytes)
    : undefined;
  if (jpeg) return { ...about, jpeg, width: image.width, height: image.height };
  const { data, info } = await encode(image, about.brightness, options);
  return { ...about, jpeg: new Uint8Array(data), width: info.width, height: info.height };
}

async function encode(
  { width, height, data }: RgbImage,
  brightness: number,
  { normalise, maxSide, quality = defaultQuality }: FrameOptions,
) {
  const sharp = await sharpLibrary();
  let pipeline = sharp(data, { raw: { width, height, channels: 3 } });
  if (maxSide !== undefined && Math.max(width, height) > maxSide) {
    pipeline = pipeline.resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true });
  }
  if (normalise === 'night' && brightness < darkBelow) {
    // Gamma brightens dark parts and leaves lamps unchanged. (libvips's CLAHE shows a little more, but takes 5 s for
    // 1280 × 720 and a minute for 6 megapixels.)
    pipeline = pipeline.gamma(1, gammaOf(brightness));
  }
  if (normalise !== undefined) pipeline = pipeline.normalise({ lower: 1, upper: 99 });
  return pipeline.jpeg({ quality }).toBuffer({ resolveWithObject: true });
}

/** @param brightness mean, 0 … 255 @returns the exponent that brightens it to `nightTarget` */
function gammaOf(brightness: number): number {
  const gamma = Math.log(Math.max(1, brightness) / 255) / Math.log(nightTarget / 255);
  return Math.min(mostGamma, Math.max(1, gamma));
}

/** Whether the options leave every pixel as it is. */
function keepsPixels(
  { width, height }: RgbImage,
  { crop, masks, normalise, maxSide, quality }: FrameOptions,
): boolean {
  const isLarge = maxSide !== undefined && Math.max(width, height) > maxSide;
  return !crop && !masks?.length && normalise === undefined && quality === undefined && !isLarge;
}

/** @returns the JPEG with the same pixels and nothing else; undefined if it must be encoded again for that */
async function withoutMetadata(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (recognisePicture(bytes) !== 'jpeg') return undefined;
  const sharp = await sharpLibrary();
  const { space, orientation = 1 } = await sharp(bytes).metadata();
  if (orientation !== 1 || (space !== 'srgb' && space !== 'b-w')) return undefined;
  const plain = plainJpeg(bytes);
  if (!plain?.progressive) return plain?.bytes;
  // The decoder warns about bytes between progressive scans.
  const isClean = await sharp(plain.bytes, { failOn: 'warning' })
    .stats()
    .then(
      () => true,
      () => false,
    );
  return isClean ? plain.bytes : undefined;
}

/** Mean of the luma of every pixel (Rec. 601). */
function brightnessOf({ data }: RgbImage): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 3) {
    sum += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
  }
  return (sum * 3) / Math.max(1, data.length);
}
