import { type FrameOptions, hammingDistance, type PreparedFrame } from '../picture/prepared-frame';
import { decodePicture } from './decode-picture';
import { differenceHash } from './frame-hash';
import type { RgbImage } from './rgb-image';
import { sharpLibrary } from './sharp-library';

/** A picture whose mean brightness is below this is taken at night. */
const darkBelow = 70;

const defaultQuality = 85;

/** Upright, masked, cropped, evened out, made smaller: a camera's picture as a JPEG. @throws ImageError */
export async function prepareFrame(bytes: Uint8Array, options: FrameOptions = {}): Promise<PreparedFrame> {
  const { crop, masks, unless } = options;
  const image = await decodePicture(bytes, { ...(crop && { crop }), ...(masks && { masks }) });
  const hash = differenceHash(image);
  const about = { differenceHash: hash, brightness: Math.round(brightnessOf(image)) };
  if (unless && hammingDistance(hash, unless.differenceHash) <= unless.bits) {
    return { ...about, width: image.width, height: image.height };
  }
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
    // Contrast-limited adaptive histogram equalisation: dark parts become visible, lamps do not burn out.
    const tile = Math.max(3, Math.round(Math.min(width, height, maxSide ?? width) / 8));
    pipeline = pipeline.clahe({ width: tile, height: tile, maxSlope: 4 });
  }
  if (normalise !== undefined) pipeline = pipeline.normalise({ lower: 1, upper: 99 });
  return pipeline.jpeg({ quality }).toBuffer({ resolveWithObject: true });
}

/** Mean of the luma of every pixel (Rec. 601). */
function brightnessOf({ data }: RgbImage): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 3) {
    sum += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
  }
  return (sum * 3) / Math.max(1, data.length);
}
