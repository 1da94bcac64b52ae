import { errorBody } from '../errors';
import { ImageError } from '../picture/image-error';
import { mendJpeg } from '../picture/jpeg-segments';
import { pictureWithin } from '../picture/picture-bytes';
import { checkByteCount, defaultPictureLimits, type PictureLimits } from '../picture/picture-limits';
import type { Polygon, Rectangle } from '../system/picture-shapes';
import { isCutShort } from './cut-picture';
import { type JpegLoss, jpegLoss, lacksScans } from './jpeg/jpeg-loss';
import { burnMasks } from './privacy-mask';
import { type PictureFormat, recognisePicture } from './recognise-picture';
import { cropPixels, type RgbImage } from './rgb-image';
import { sharpLibrary } from './sharp-library';
import { asStill } from './still-picture';

export interface DecodeOptions {
  readonly crop?: Rectangle;
  readonly masks?: readonly Polygon[];
  readonly limits?: PictureLimits;
}

/**
 * Decodes a picture's bytes to upright (EXIF) RGB, alpha on black, then applies masks, then crops: no later step
 * receives a masked pixel. An animation gives its first frame.
 * @throws ImageError naming what the bytes are instead, which limit they exceed, or where they end too early
 */
export async function decodePicture(given: Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const limits = options.limits ?? defaultPictureLimits;
  checkByteCount(given.length, limits);
  const bytes = pictureWithin(given);
  const format = recognisePicture(bytes);
  const image = await decodeUpright(bytes, format, limits);
  burnMasks(image, options.masks ?? []);
  return options.crop === undefined ? image : cropFraction(image, options.crop);
}

async function decodeUpright(
  given: Uint8Array,
  format: PictureFormat,
  limits: PictureLimits,
): Promise<RgbImage> {
  const { bytes, wasOpen } =
    format === 'jpeg' ? mendJpeg(given) : { bytes: asStill(given, format), wasOpen: false };
  const sharp = await sharpLibrary();
  try {
    const image = await storedPixels(sharp, bytes, failOn(format), limits);
    if (format !== 'jpeg' || !lacksScans(bytes)) return image;
    throw new Error('the last scans are missing');
  } catch (cause) {
    const failed = { format, bytes: given, wasOpen };
    if (format !== 'jpeg' || wasOpen) throw decodeError(cause, failed, limits);
    const lossError = jpegLossError(cause, given, jpegLoss(bytes));
    if (lossError) throw lossError;
    // Small errors that cameras make, such as stray bytes before a marker.
    return await storedPixels(sharp, bytes, 'truncated', limits).catch((error: unknown) => {
      throw decodeError(error, failed, limits);
    });
  }
}

/** Stored pixel values without colour management, like the reference. */
async function storedPixels(
  sharp: Awaited<ReturnType<typeof sharpLibrary>>,
  bytes: Uint8Array,
  failOn: 'truncated' | 'warning',
  limits: PictureLimits,
): Promise<RgbImage> {
  const { data, info } = await sharp(bytes, {
    failOn,
    limitInputPixels: limits.maxPixels,
    pages: 1,
    ignoreIcc: true,
  })
    .autoOrient()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: opaqueRgb(data, info.channels) };
}

/** A TIFF whose data is damaged would be black with `truncated`, a JPEG grey. */
function failOn(format: PictureFormat): 'truncated' | 'warning' {
  return format === 'tiff' || format === 'jpeg' ? 'warning' : 'truncated';
}

/** Some cameras never write the last few blocks: as much as this may be missing. */
const mostLost = 0.02;

/** @returns undefined if so little is missing that the picture can be used */
function jpegLossError(
  cause: unknown,
  { length }: Uint8Array,
  loss: JpegLoss | undefined,
): ImageError | undefined {
  if (!loss) return undefined;
  const { share, lacksScans, isDamaged } = loss;
  const isBroken = /premature end of data|bad Huffman/i.test(errorBody(cause).message);
  if (!lacksScans && !(share === undefined ? isBroken : share > mostLost)) return undefined;
  const part =
    share === undefined || lacksScans ? 'scans are missing' : `${Math.round(share * 100)} % is missing`;
  if (isDamaged) {
    return new ImageError('image-corrupt', `this JPEG of ${length} bytes is damaged: ${part}`, {
      hint: 'Take the next picture; if this happens often, look for another snapshot address or newer firmware of the camera.',
      cause,
    });
  }
  return new ImageError('image-truncated', `this JPEG ends too early, after ${length} bytes (${part})`, {
    hint: 'It was cut off before it was sent: lower the size or quality of the camera’s picture, or try the next frame.',
    cause,
  });
}

/** @param channels 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha; blends alpha with black, rounded like Pillow */
function opaqueRgb(data: Buffer, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  const step = channels >= 3 ? 1 : 0;
  const hasAlpha = channels === 2 || channels === 4;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = pixel * channels;
    const alpha = hasAlpha ? (data[at + channels - 1] as number) : 255;
    for (let channel = 0; channel < 3; channel++) {
      rgb[pixel * 3 + channel] = Math.round(((data[at + channel * step] as number) * alpha) / 255);
    }
  }
  return rgb;
}

interface FailedPicture {
  readonly format: PictureFormat;
  readonly bytes: Uint8Array;
  /** Its end marker was missing. */
  readonly wasOpen: boolean;
}

function decodeError(
  cause: unknown,
  { format, bytes, wasOpen }: FailedPicture,
  limits: PictureLimits,
): ImageError {
  const reason = lastLine(cause instanceof Error ? cause.message : String(cause));
  const name = format.toUpperCase();
  if (/pixel limit/i.test(reason)) {
    return new ImageError('image-pixels', `this ${name} unpacks to more than ${limits.maxPixels} pixels`, {
      hint: 'Configure a smaller picture in the camera; headers like this are also used to exhaust memory.',
      cause,
    });
  }
  const isCut =
    isCutShort(bytes, format) ??
    /premature|truncat|unexpected end|end of (file|stream|image)|ended|not enough/i.test(reason);
  const sizeBytes = bytes.length;
  if (wasOpen || isCut) {
    return new ImageError(
      'image-truncated',
      `this ${name} ends too early, after ${sizeBytes} bytes (${reason})`,
      {
        hint: 'The transfer was cut off: raise the timeout for fetching the picture, or try the next frame.',
        cause,
      },
    );
  }
  return new ImageError('image-corrupt', `this ${name} of ${sizeBytes} bytes cannot be read: ${reason}`, {
    hint: 'Open the same picture in a viewer; if it displays there, please report it with the file.',
    cause,
  });
}

/** The decoder's verdict, which follows its warnings; a number may follow that. */
function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/:$/, ''));
  return lines.findLast((line) => /[a-z]{3}/i.test(line)) ?? 'the decoder gives no reason';
}

function cropFraction(image: RgbImage, crop: Rectangle): RgbImage {
  const { x, y, width, height } = crop;
  const left = Math.round(x * image.width);
  const top = Math.round(y * image.height);
  const right = Math.round((x + width) * image.width);
  const bottom = Math.round((y + height) * image.height);
  const inside = left >= 0 && top >= 0 && right <= image.width && bottom <= image.height;
  if (![x, y, width, height].every(Number.isFinite) || !inside || right <= left || bottom <= top) {
    throw new ImageError(
      'image-crop',
      `the crop ${JSON.stringify(crop)} ${inside ? 'has no pixel of' : 'reaches beyond'} the picture of ${image.width}×${image.height}`,
      { hint: 'Give x, y, width and height as fractions of the picture, 0 to 1.' },
    );
  }
  return cropPixels(image, left, top, right - left, bottom - top);
}
