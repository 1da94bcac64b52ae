import { isPictureHead } from './camera/content-encoding';
import { firstPart } from './camera/multipart-part';

/** Other bytes in front of a picture are not longer. */
export const longestLead = 4_096;

/**
 * The picture in bytes that begin with something else: the headers of a stream's part or of an answer, blank lines, a
 * length. Bytes without a picture are returned unchanged, or without a part's headers.
 */
export function pictureWithin(bytes: Uint8Array): Uint8Array {
  if (isPictureHead(bytes)) return bytes;
  const part = firstPart(bytes);
  if (isPictureHead(part)) return part;
  const begin = jpegBegin(bytes);
  return begin < 0 ? part : bytes.subarray(begin);
}

/** Where a JPEG begins; -1 if none begins within the lead. */
export function jpegBegin(bytes: Uint8Array): number {
  const lead = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, longestLead));
  return lead.indexOf(Buffer.from([0xff, 0xd8, 0xff]));
}
