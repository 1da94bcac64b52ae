import { types } from 'node:util';
import { ImageError } from '../picture/image-error';
import { checkByteCount, defaultPictureLimits } from '../picture/picture-limits';
import { readPicture } from '../picture/picture-source';
import { limits } from '../protocol/limits';
import type { TypedInput } from './typed-input';

/** Fields of a dialog that name the picture of a message by a typed input. */
export interface PictureField {
  readonly image?: string;
  readonly imageType?: string;
}

/** @param standard property that a blank field stands for */
export function pictureInput({ image, imageType }: PictureField, standard = 'payload'): TypedInput {
  return { value: image || standard, type: imageType ?? 'msg' };
}

/**
 * The pictures of a message's property: bytes, a path, an address, a data URI or base64, or an array of these.
 * They are read but not decoded: a damaged file must not reach a decoder in this process.
 * @throws ImageError `image-source` for anything else, `image-count` for too many, and what reading throws
 */
export async function messagePictures(value: unknown, signal: AbortSignal): Promise<Uint8Array[]> {
  // Also of an array with holes: they are undefined.
  const sources: readonly unknown[] = Array.isArray(value) ? Array.from(value) : [value];
  if (sources.length === 0) throw notAPicture(value);
  if (sources.length > 1 && isNumbers(sources)) throw byteArray(sources.length);
  if (sources.length > limits.pictures) {
    throw new ImageError(
      'image-count',
      `expected at most ${limits.pictures} pictures for one question, received ${sources.length}`,
      { hint: 'Send fewer: every second one, or those where something happens.' },
    );
  }
  return Promise.all(
    // Each failure is a promise's, or those that are still being read would fail unheard.
    sources.map(async (source) => {
      if (typeof source === 'string') return readPicture(source, undefined, signal);
      const bytes = bytesOf(source);
      if (bytes) return readPicture(bytes, undefined, signal);
      throw isNumbers(source) ? byteArray(source.length) : notAPicture(source);
    }),
  );
}

/** A function node's own `Uint8Array` and `ArrayBuffer` are not this realm's: `instanceof` does not find them. */
function bytesOf(source: unknown): Uint8Array | undefined {
  if (source instanceof Uint8Array) return source;
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (types.isAnyArrayBuffer(source)) return new Uint8Array(source);
  if (!isJsonBuffer(source)) return undefined;
  checkByteCount(source.data.length, defaultPictureLimits);
  return Uint8Array.from(source.data);
}

/** A Buffer that was converted to JSON and back. */
function isJsonBuffer(value: unknown): value is { readonly data: readonly number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value &&
    Array.isArray(value.data)
  );
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.slice(0, limits.pictures).every((each) => typeof each === 'number');
}

function byteArray(length: number): ImageError {
  return new ImageError('image-source', `expected a picture, received an array of ${length} numbers`, {
    hint: 'Convert it in a function node: msg.payload = Buffer.from(msg.payload).',
  });
}

function notAPicture(value: unknown): ImageError {
  const what =
    value === null ? 'null' : Array.isArray(value) ? arrayWords(value) : `a value of type ${typeof value}`;
  if (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    ('data' in value || 0 in value)
  ) {
    return new ImageError('image-source', 'expected a picture, received an object that holds bytes', {
      hint: 'Convert it in a function node: msg.payload = Buffer.from(msg.payload.data), or Buffer.from(Object.values(msg.payload)).',
    });
  }
  return new ImageError('image-source', `expected a picture, received ${what}`, {
    hint: 'Choose the message property that holds the picture: a Buffer, path, address, data URI or base64 text.',
  });
}

function arrayWords({ length }: readonly unknown[]): string {
  return length === 0 ? 'an empty array' : `an array of ${length} in an array`;
}
