import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate, inflateRaw } from 'node:zlib';
import { errorBody } from '../../errors';
import { ImageError } from '../image-error';
import { checkByteCount, type PictureLimits } from '../picture-limits';

const picture = /^(\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|II\*\0|MM\0\*|BM|....ftyp)/s;

/** Whether the first bytes are those of a picture. */
export function isPictureHead(bytes: Uint8Array): boolean {
  return picture.test(
    Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.length)).toString('latin1'),
  );
}

/**
 * Undoes a body's `Content-Encoding`. Some cameras name an encoding that they do not use, or one that does not exist
 * (`utf-8`): the bytes count more than the header. A body that was cut gives what can be unpacked.
 * @throws ImageError `image-fetch`, `image-too-large`
 */
export async function decodeContent(
  bytes: Uint8Array,
  encodings: readonly string[],
  limits: PictureLimits,
): Promise<Uint8Array> {
  const encoding = encodings.join(',').toLowerCase();
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (bytes.length === 0 || isPictureHead(bytes)) return bytes;
  try {
    if (isGzip) return await unpack(gunzip, bytes, limits);
    if (/deflate/.test(encoding)) {
      return await unpack(inflate, bytes, limits).catch(() => unpack(inflateRaw, bytes, limits));
    }
    if (/\bbr\b/.test(encoding)) return await brotli(bytes, limits);
    return bytes;
  } catch (cause) {
    checkByteCount(
      (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? Number.MAX_SAFE_INTEGER : 0,
      limits,
    );
    throw new ImageError(
      'image-fetch',
      `the answer is marked "Content-Encoding: ${encoding.slice(0, 40)}", but cannot be unpacked: ${errorBody(cause).message}`,
      {
        hint: 'Open the address in a browser; look for another snapshot address or newer firmware of the camera.',
        cause,
      },
    );
  }
}

async function unpack(
  method: typeof gunzip,
  bytes: Uint8Array,
  { maxBytes }: PictureLimits,
): Promise<Uint8Array> {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxBytes };
  return promisify<Uint8Array, object, Buffer>(method)(bytes, options);
}

async function brotli(bytes: Uint8Array, { maxBytes }: PictureLimits): Promise<Uint8Array> {
  const options = { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: maxBytes };
  return promisify<Uint8Array, object, Buffer>(brotliDecompress)(bytes, options);
}
