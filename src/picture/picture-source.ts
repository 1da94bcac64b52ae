import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorBody } from '../errors';
import { beginsAsHttpAddress } from '../system/http-address';
import { shownAddress, shownText } from '../system/shown-address';
import { fetchPicture } from './fetch-picture';
import { ImageError } from './image-error';
import { checkByteCount, defaultPictureLimits, type PictureLimits } from './picture-limits';
import { otherText } from './picture-text';

/** Bytes, or text: a path, an http(s) address, a data URI or base64. */
export type PictureSource = Uint8Array | string;

/** As base64 these would be other bytes. */
const hexDigits = /^(?:0x)?(?:ff\s?d8\s?ff|89\s?50\s?4e\s?47)[\da-f\s]+$/i;

/**
 * The bytes behind any form of picture; their format is not checked here.
 * @throws ImageError `image-too-large`, `image-fetch`, `image-login`, `image-missing`, `image-source`
 */
export async function readPicture(
  source: PictureSource,
  limits: PictureLimits = defaultPictureLimits,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (typeof source !== 'string') {
    checkByteCount(source.length, limits);
    return source;
  }
  const text = source.trim();
  if (beginsAsHttpAddress(text)) return fetchPicture(address(text), limits, signal);
  if (/^data:/i.test(text)) return dataUri(text, limits);
  const other = otherAddress(text);
  if (other) throw other;
  const hex = hexDigits.test(text) ? otherText(text) : undefined;
  if (hex) throw hex;
  return base64(text, limits) ?? (await file(text, limits));
}

function address(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new ImageError('image-source', `expected an http(s) address, received "${shownAddress(text)}"`, {
    hint: 'Write for example http://camera.local/snapshot.jpg; in a password write @ as %40 and / as %2F.',
  });
}

/** Text that looks like a path or an address, and is something else that people try. */
function otherAddress(text: string): ImageError | undefined {
  const shown = (): string => shownAddress(text).slice(0, 80);
  const scheme = /^(?:[a-z][a-z\d+.-]*(?=:\/\/)|file(?=:))/i.exec(text)?.[0].toLowerCase();
  if (scheme === 'rtsp' || scheme === 'rtsps') {
    return new ImageError(
      'image-source',
      `expected a picture, received the address of a video stream: "${shown()}"`,
      {
        hint: 'Choose "an RTSP stream" in a frame node, or send the camera’s snapshot address.',
      },
    );
  }
  if (scheme === 'file') {
    return new ImageError('image-source', `expected a path, received "${shown()}"`, {
      hint: 'Write the path without file://, for example /media/porch.jpg.',
    });
  }
  if (scheme !== undefined) {
    return new ImageError('image-source', `expected an http(s) address, received "${shown()}"`, {
      hint: 'Write for example http://camera.local/snapshot.jpg.',
    });
  }
  if (!/^\/?api\/(camera|image)_proxy(_stream)?\//.test(text)) return undefined;
  return new ImageError(
    'image-source',
    `expected an address or a file, received Home Assistant's path "${shown()}"`,
    {
      hint: 'Put its address before it, for example http://homeassistant.local:8123, or use its camera.snapshot action.',
    },
  );
}

function dataUri(text: string, limits: PictureLimits): Uint8Array {
  const match = /^data:[^,]*?(;base64)?,/i.exec(text);
  const payload = match === null ? '' : text.slice(match[0].length);
  const isBase64 = match?.[1] !== undefined;
  const isEscaped = payload.includes('%');
  if (isEscaped || !isBase64) checkByteCount(Math.floor(payload.length / 3), limits);
  const plain = isEscaped ? unescaped(payload) : payload;
  const bytes = isBase64 ? base64(plain, limits, 1) : isEscaped ? Buffer.from(plain, 'latin1') : undefined;
  if (bytes === undefined) {
    throw new ImageError(
      'image-source',
      `expected a data URI with base64, received "${text.slice(0, 40)}…"`,
      {
        hint: 'Write data:image/jpeg;base64,…',
      },
    );
  }
  return bytes;
}

/** Each escaped byte as one character (RFC 2397). */
function unescaped(text: string): string {
  return text.replaceAll(/%([\da-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** @param shortest a shorter text is not a picture, but may be a path */
function base64(text: string, limits: PictureLimits, shortest = 100): Uint8Array | undefined {
  if (text.length < shortest) return undefined;
  checkByteCount(Math.floor((text.length * 3) / 4), limits);
  // A form or an address turns + into a blank; a picture's base64 without any + or - has lost it so.
  const blank = /[+-]/.test(text) ? '' : '+';
  // Line by line: one pattern for blanks around a line's end takes minutes for a text of many blanks.
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  const compact = lines.join('').replaceAll(/\s/g, blank);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(compact) || compact.length % 4 === 1) return undefined;
  return Buffer.from(compact, 'base64');
}

async function file(path: string, limits: PictureLimits): Promise<Uint8Array> {
  const other = otherText(path);
  if (other) throw other;
  try {
    // Without O_NONBLOCK the opening of a named pipe waits for its writer.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a regular file');
    checkByteCount(stat.size, limits);
    return await handle.readFile();
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const shown = shownAddress(path);
    throw new ImageError(
      'image-missing',
      `the picture "${shown}" cannot be read: ${shownText(errorBody(cause).message.replaceAll(path, shown))}`,
      {
        hint: isHostFirst(path)
          ? 'If this is an address, write http:// before it.'
          : 'Check the path, and that this user may read it.',
        cause,
      },
    );
  }
}

/** `camera.local/snapshot.jpg`, `192.168.1.20:8080/snap`. */
function isHostFirst(path: string): boolean {
  return /^[a-z\d][a-z\d-]*(?:\.[a-z\d-]+)+(?::\d+)?\/./i.test(path);
}
