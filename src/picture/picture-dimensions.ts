import { segmentEnd } from './jpeg-segments';
import { pictureWithin } from './picture-bytes';

export interface PictureDimensions {
  readonly width: number;
  readonly height: number;
}

/** Pixels of a 4K camera's frame, 3840 × 2160. A picture with more of them is large: it takes seconds on a small hub. */
export const largestFramePixels = 3840 * 2160;

/** Width and height as the header states them; undefined if it cannot be read. Decodes nothing. */
export function pictureDimensions(bytes: Uint8Array): PictureDimensions | undefined {
  const part = pictureWithin(bytes);
  const head = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  try {
    return dimensionsOf(head);
  } catch (error) {
    // The header is cut short.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function dimensionsOf(head: Buffer): PictureDimensions | undefined {
  const magic = head.toString('latin1', 0, 16);
  if (magic.startsWith('\xff\xd8\xff')) return jpeg(head);
  if (magic.startsWith('\x89PNG')) return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
  if (/^GIF8[79]a/.test(magic)) return { width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
  if (/^RIFF....WEBP/s.test(magic)) return webp(head, magic.slice(12));
  if (/^(II\*\0|MM\0\*)/.test(magic)) return tiff(head, magic.startsWith('II'));
  if (/^....ftyp/s.test(magic)) return avif(head);
  return undefined;
}

/** From the frame header (ITU T.81, B.2.2). */
function jpeg(head: Buffer): PictureDimensions | undefined {
  let at = 2;
  while (head[at] === 0xff) {
    const marker = head.readUInt8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: head.readUInt16BE(at + 7), height: head.readUInt16BE(at + 5) };
    if (marker === 0xda) return undefined;
    const end = segmentEnd(head, at, true);
    if (typeof end !== 'number') return undefined;
    at = end;
  }
  return undefined;
}

/** RFC 9649, sections 2.5 to 2.7. */
function webp(head: Buffer, chunk: string): PictureDimensions | undefined {
  if (chunk === 'VP8X') return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
  if (chunk === 'VP8 ')
    return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
  if (chunk !== 'VP8L') return undefined;
  const bits = head.readUInt32LE(21);
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}

const tiffTags = { width: 256, height: 257 };
const tiffShort = 3;

/** Of the first page (TIFF 6.0, section 2). */
function tiff(head: Buffer, isLittle: boolean): PictureDimensions | undefined {
  const short = (at: number): number => (isLittle ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const long = (at: number): number => (isLittle ? head.readUInt32LE(at) : head.readUInt32BE(at));
  const directory = long(4);
  const found = new Map<number, number>();
  for (let entry = 0; entry < short(directory); entry++) {
    const at = directory + 2 + 12 * entry;
    found.set(short(at), short(at + 2) === tiffShort ? short(at + 8) : long(at + 8));
  }
  const [width, height] = [found.get(tiffTags.width), found.get(tiffTags.height)];
  return width === undefined || height === undefined ? undefined : { width, height };
}

/** Properties of the image and of its parts come before the pixels. */
const avifHeaderBytes = 65_536;

/** The largest of the `ispe` properties (ISO/IEC 23008-12, 6.5.3): a grid has one for its tiles, too. */
function avif(bytes: Buffer): PictureDimensions | undefined {
  const head = bytes.subarray(0, avifHeaderBytes);
  let largest: PictureDimensions | undefined;
  for (let at = head.indexOf('ispe'); at >= 0; at = head.indexOf('ispe', at + 4)) {
    const next = { width: head.readUInt32BE(at + 8), height: head.readUInt32BE(at + 12) };
    if (!largest || next.width * next.height > largest.width * largest.height) largest = next;
  }
  return largest;
}
