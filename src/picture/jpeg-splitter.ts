import { SmolvlmError } from '../errors';
import { segmentEnd } from './jpeg-segments';

const endMarker = Buffer.from([0xff, 0xd9]);

/** A stream without a whole picture in so many bytes is not a stream of pictures. */
const defaultMaxBytes = 16 * 1024 * 1024;

/**
 * Cuts a stream into JPEGs, whatever lies between them (parts' headers of MJPEG over HTTP, nothing from ffmpeg). Follows
 * the segments, so that a thumbnail within a picture is not taken for its end. A picture without an end marker ends where
 * the next one begins.
 */
export class JpegSplitter {
  readonly #maxBytes: number;
  readonly #onPicture: (bytes: Uint8Array) => void;
  #store = Buffer.alloc(0);
  /** What came and is not cut off yet: a view of the store, which has room after it. */
  #buffer = this.#store;
  /** Where the search for the picture's end continues; -1 before its beginning is found. */
  #at = -1;
  #inScan = false;

  constructor(onPicture: (bytes: Uint8Array) => void, maxBytes = defaultMaxBytes) {
    this.#onPicture = onPicture;
    this.#maxBytes = maxBytes;
  }

  /** @throws SmolvlmError `frame-stream` when a picture does not end */
  push(chunk: Uint8Array): void {
    this.#append(chunk);
    while (this.#step()) {}
    if (this.#buffer.length > this.#maxBytes) {
      const bytes = this.#buffer.length;
      this.reset();
      throw new SmolvlmError('frame-stream', `${bytes} bytes were received without the end of a picture`, {
        hint: 'The address may be that of another kind of stream: for H.264 or H.265 choose RTSP.',
      });
    }
  }

  /** Forgets an unfinished picture. */
  reset(): void {
    this.#buffer = this.#store.subarray(0, 0);
    this.#at = -1;
    this.#inScan = false;
  }

  /** Copied once, not with each chunk of its picture again: a large picture comes in hundreds. */
  #append(chunk: Uint8Array): void {
    const { length } = this.#buffer;
    let begin = this.#buffer.byteOffset - this.#store.byteOffset;
    if (begin + length + chunk.length > this.#store.length) {
      this.#store = Buffer.alloc(Math.max(64 * 1024, 2 * (length + chunk.length)));
      this.#store.set(this.#buffer);
      begin = 0;
    }
    this.#store.set(chunk, begin + length);
    this.#buffer = this.#store.subarray(begin, begin + length + chunk.length);
  }

  /** @returns whether to continue without more bytes */
  #step(): boolean {
    if (this.#at < 0) return this.#findBegin();
    return this.#inScan ? this.#skipScan() : this.#skipSegment();
  }

  #findBegin(): boolean {
    const begin = this.#buffer.indexOf(Buffer.from([0xff, 0xd8, 0xff]));
    // The last two bytes may begin a picture.
    this.#buffer = this.#buffer.subarray(begin < 0 ? Math.max(0, this.#buffer.length - 2) : begin);
    if (begin < 0) return false;
    this.#at = 2;
    return true;
  }

  /** A marker and, if it has one, its segment (ITU T.81, B.1.1). */
  #skipSegment(): boolean {
    const buffer = this.#buffer;
    if (buffer.length < this.#at + 2) return false;
    if (buffer[this.#at] !== 0xff) return this.#startOver();
    const marker = buffer[this.#at + 1] ?? 0;
    if (marker === 0xff) {
      this.#at++;
      return true;
    }
    if (marker === 0xd9) return this.#finish(this.#at + 2);
    if (marker === 0xd8 || marker === 0x00) return this.#startOver();
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      this.#at += 2;
      return true;
    }
    // Reserved: not a picture after all. The length after it would hold back the pictures that follow.
    if (marker < 0xc0) return this.#startOver();
    const end = segmentEnd(buffer, this.#at);
    if (end === 'more') return false;
    if (end === 'broken') return this.#startOver();
    this.#at = end;
    this.#inScan = marker === 0xda;
    return true;
  }

  /** Compressed data: up to a marker that is neither a stuffed byte nor a restart. */
  #skipScan(): boolean {
    for (let at = this.#at; ; at++) {
      at = this.#buffer.indexOf(0xff, at);
      if (at < 0 || at + 1 >= this.#buffer.length) {
        this.#at = at < 0 ? Math.max(this.#at, this.#buffer.length) : at;
        return false;
      }
      const next = this.#buffer[at + 1] ?? 0;
      if (next === 0x00 || (next >= 0xd0 && next <= 0xd7)) continue;
      if (next === 0xd8) return this.#finishOpen(at);
      this.#at = at;
      this.#inScan = false;
      return true;
    }
  }

  /** The next picture begins before this one ended: its end marker is missing. */
  #finishOpen(next: number): boolean {
    const picture = this.#buffer.subarray(0, next);
    const boundaryAt = picture.lastIndexOf('\n--');
    const isBoundary = boundaryAt >= 0 && /^[\t\r\n -~]*$/.test(picture.toString('latin1', boundaryAt));
    const scan = isBoundary
      ? picture.subarray(0, picture[boundaryAt - 1] === 0x0d ? boundaryAt - 1 : boundaryAt)
      : picture;
    this.#buffer = this.#buffer.subarray(next);
    this.#at = -1;
    this.#inScan = false;
    this.#onPicture(new Uint8Array(Buffer.concat([scan, endMarker])));
    return true;
  }

  #finish(end: number): boolean {
    const picture = this.#buffer.subarray(0, end);
    this.#buffer = this.#buffer.subarray(end);
    this.#at = -1;
    this.#onPicture(new Uint8Array(picture));
    return true;
  }

  /** This was not a picture: searches for the next beginning. */
  #startOver(): boolean {
    this.#buffer = this.#buffer.subarray(2);
    this.#at = -1;
    this.#inScan = false;
    return true;
  }
}
