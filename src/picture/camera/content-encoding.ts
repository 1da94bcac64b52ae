import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  type BrotliOptions,
  constants,
  createBrotliDecompress,
  createInflate,
  createInflateRaw,
  type ZlibOptions,
} from 'node:zlib';
import { errorBody } from '../../errors';
import { ImageError } from '../image-error';
import { checkByteCount, type PictureLimits } from '../picture-limits';

const picture = /^(\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|II[*+]\0|MM\0[*+]|BM|....ftyp)/s;

/** Whether the first bytes are those of a picture. */
export function isPictureHead(bytes: Uint8Array): boolean {
  return picture.test(
    Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.length)).toString('latin1'),
  );
}

/**
 * Undoes a body's `Content-Encoding`. Some cameras name an encoding that they do not use, or one that does not exist
 * (`utf-8`): the bytes count more than the header. A body that was cut or is damaged gives what can be unpacked.
 * @throws ImageError `image-fetch`, `image-too-large`
 */
export async function decodeContent(
  given: Uint8Array,
  encodings: readonly string[],
  limits: PictureLimits,
): Promise<Uint8Array> {
  const encoding = encodings.join(',').toLowerCase();
  let bytes = given;
  try {
    // Packed twice by some proxies.
    for (let times = 0; times < 2; times++) {
      if (bytes.length === 0 || isPictureHead(bytes)) return bytes;
      const deflated = gzipContent(bytes);
      if (deflated) bytes = await unpack(createInflateRaw, deflated, limits);
    }
    if (bytes !== given) return bytes;
    if (/deflate/.test(encoding)) {
      const unpacked = unpack(createInflate, bytes, limits);
      return await unpacked.catch(() => unpack(createInflateRaw, bytes, limits));
    }
    if (/\bbr\b/.test(encoding)) return await unpack(createBrotliDecompress, bytes, limits);
    if (/\b(?:zstd|compress)\b/.test(encoding)) throw new Error('this encoding is not supported');
    return bytes;
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
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

/** What gzip packed (RFC 1952), behind blank lines as well. Its checksum and what follows are not read: the decoder judges. */
function gzipContent(bytes: Uint8Array): Uint8Array | undefined {
  const begin = bytes.findIndex((byte) => byte !== 0x0d && byte !== 0x0a);
  if (bytes[begin] !== 0x1f || bytes[begin + 1] !== 0x8b) return undefined;
  const flags = bytes[begin + 3] ?? 0;
  let at = begin + 10;
  if (flags & 4) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const text of [8, 16]) if (flags & text) at = bytes.indexOf(0, at) + 1;
  return bytes.subarray(flags & 2 ? at + 2 : at);
}

/** @throws ImageError `image-too-large`; what the decoder throws if what came before is not a picture */
async function unpack(
  decoder: (options: ZlibOptions & BrotliOptions) => Transform,
  bytes: Uint8Array,
  { maxBytes }: PictureLimits,
): Promise<Uint8Array> {
  const isBrotli = decoder === createBrotliDecompress;
  const stream = decoder({
    // A body that was cut is not an error yet.
    finishFlush: isBrotli ? constants.BROTLI_OPERATION_FLUSH : constants.Z_SYNC_FLUSH,
  });
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) stream.destroy();
    else chunks.push(chunk);
  });
  stream.end(bytes);
  const failure = await finished(stream).catch((error: unknown) => error);
  checkByteCount(sizeBytes, { maxBytes });
  const unpacked = Buffer.concat(chunks);
  if (failure !== undefined && !isPictureHead(unpacked)) throw failure;
  return unpacked;
}
