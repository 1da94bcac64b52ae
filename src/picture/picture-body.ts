import { setTimeout as delay } from 'node:timers/promises';
import type { CameraResponse } from './camera/camera-connection';
import { decodeContent, isPictureHead } from './camera/content-encoding';
import { firstPart, isPart } from './camera/multipart-part';
import { ImageError } from './image-error';
import { JpegSplitter } from './jpeg-splitter';
import { jpegBegin, longestLead, pictureWithin } from './picture-bytes';
import { checkByteCount, type PictureLimits } from './picture-limits';

/** A whole picture is not kept waiting longer for a connection to end. */
const graceMs = 1_000;

/** A file may hold others after its picture (stereo, depth), but not as many. */
const mostPictures = 4;

/**
 * The picture in an answer: of a multipart body its only part. A whole JPEG ends the body, whatever Content-Length says;
 * so does the end of the connection.
 * @throws ImageError `image-too-large`, `image-stream` if more pictures or a video follow, `image-fetch`; what reading throws
 */
export async function readPictureBody(
  response: Pick<CameraResponse, 'headers' | 'body'>,
  limits: PictureLimits,
  signal: AbortSignal,
  idleMs = graceMs,
): Promise<Uint8Array> {
  const { headers } = response;
  const declared = declaredLength(headers.get('content-length') ?? []);
  checkByteCount(declared ?? 0, limits);
  const type = (headers.get('content-type') ?? []).join(', ');
  const isMultipart = /\bmultipart\//i.test(type);
  const isVideo = /^(?:video|audio)\//i.test(type);
  const body = new PictureBody(limits, isMultipart);
  for (let mayEnd = declared === 0; ; ) {
    const next = await nextChunk(response.body, mayEnd ? idleMs : undefined).catch((error: unknown) => {
      // A connection that breaks after a picture has done its work; of half a picture the decoder says so.
      if (signal.aborted || body.sizeBytes === 0) throw error;
      return undefined;
    });
    if (next === undefined) break;
    body.push(next);
    if (isVideo && !body.isJpeg && body.sizeBytes > longestLead) throw videoError(type);
    const isLong = declared !== undefined && body.sizeBytes >= declared;
    if (isLong && (body.pictures > 0 || !body.isJpeg)) break;
    mayEnd = isLong || body.pictures > 0;
  }
  const bytes = await decodeContent(body.bytes(), headers.get('content-encoding') ?? [], limits);
  return withoutLead(bytes, body.first);
}

/** Cameras put a part's head, blank lines, or other bytes before the picture. @param found in the body */
function withoutLead(bytes: Uint8Array, found: Uint8Array | undefined): Uint8Array {
  const part = firstPart(bytes);
  return isPictureHead(part) ? part : (found ?? pictureWithin(bytes));
}

function videoError(type: string): ImageError {
  return new ImageError('image-stream', `expected one picture, received a video (${type.slice(0, 40)})`, {
    hint: 'Enter the camera’s snapshot address, or choose "an RTSP stream" in the frame node and enter its RTSP address.',
  });
}

/** Some cameras write the largest number of 31, 32 or 64 bits for a length that they do not know. */
const unknownLength = 2 ** 31 - 1;

/** The longest of those given: some cameras count too little, or send the header twice. */
function declaredLength(values: readonly string[]): number | undefined {
  const lengths = values.flatMap((value) => value.split(',')).map((value) => Number.parseInt(value, 10));
  const usable = lengths.filter((length) => length >= 0 && length < unknownLength);
  return usable.length === 0 ? undefined : Math.max(...usable);
}

/** @returns undefined at the end, and when nothing was received for so long */
async function nextChunk(
  body: AsyncGenerator<Buffer, void>,
  idleMs: number | undefined,
): Promise<Buffer | undefined> {
  const next = body.next().then(({ value }) => value ?? undefined);
  if (idleMs === undefined) return next;
  const ending = new AbortController();
  const idle = delay(idleMs, undefined, { signal: ending.signal }).catch(() => undefined);
  try {
    // A read that is given up ends with the connection.
    next.catch(() => undefined);
    return await Promise.race([next, idle]);
  } finally {
    ending.abort();
  }
}

class PictureBody {
  readonly #limits: PictureLimits;
  readonly #isMultipart: boolean;
  readonly #chunks: Buffer[] = [];
  readonly #splitter: JpegSplitter;
  sizeBytes = 0;
  pictures = 0;
  /** The first whole JPEG. */
  first: Uint8Array | undefined;
  /** A JPEG begins in it, or a part of one. */
  isJpeg = false;
  /** Of another format: its JPEGs are thumbnails. */
  #isOther = false;

  constructor(limits: PictureLimits, isMultipart: boolean) {
    this.#limits = limits;
    this.#isMultipart = isMultipart;
    this.#splitter = new JpegSplitter((bytes) => this.#found(bytes), limits.maxBytes);
  }

  push(chunk: Buffer): void {
    const isHead = this.sizeBytes < longestLead;
    this.sizeBytes += chunk.length;
    checkByteCount(this.sizeBytes, this.#limits);
    this.#chunks.push(chunk);
    if (isHead && !this.isJpeg) {
      const head = this.bytes();
      this.isJpeg = this.#isMultipart || isPart(head) || jpegBegin(head) >= 0;
      this.#isOther = head[0] !== 0xff && isPictureHead(head);
    }
    if (!this.#isOther) this.#splitter.push(chunk);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  #found(bytes: Uint8Array): void {
    this.pictures++;
    this.first ??= bytes;
    if (this.pictures < (this.#isMultipart ? 2 : mostPictures)) return;
    throw new ImageError('image-stream', 'expected one picture, received a stream of pictures (MJPEG)', {
      hint: 'Choose "an MJPEG stream" in the frame node, or enter the camera’s snapshot address.',
    });
  }
}
