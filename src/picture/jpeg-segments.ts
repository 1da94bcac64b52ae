/** Markers that begin a segment with a length (ITU T.81, table B.1), as cameras write them. */
const withLength = (marker: number): boolean =>
  (marker >= 0xc0 && marker <= 0xcf) || (marker >= 0xda && marker <= 0xef) || marker === 0xfe;

/** Segments that an image does not need: APPn and COM. */
const isOptional = (marker: number): boolean => (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;

/** Where a segment ends. `more`: not known before more bytes are there. */
export type SegmentEnd = number | 'more' | 'broken';

/**
 * Where the segment at a marker ends. Some cameras (Dahua, Amcrest) write a comment whose length is wrong: the end is
 * then where the next segments follow each other.
 * @param at of the marker's 0xff @param isAll no more bytes follow
 */
export function segmentEnd(bytes: Buffer, at: number, isAll = false): SegmentEnd {
  if (bytes.length < at + 4) return isAll ? 'broken' : 'more';
  const marker = bytes[at + 1] ?? 0;
  const length = bytes.readUInt16BE(at + 2);
  const end = at + 2 + length;
  if (length >= 2 && end >= bytes.length)
    return isAll && isOptional(marker) ? nextSegment(bytes, at, isAll) : isAll ? 'broken' : 'more';
  if (length >= 2 && bytes[end] === 0xff) return end;
  if (length >= 2 && marker === 0xda) return end;
  return isOptional(marker) ? nextSegment(bytes, at, isAll) : 'broken';
}

/** The longest segment; one with a wrong length may be followed by more filling. */
const longestSearch = 2 * 65_536;

/** The first place behind a marker where two segments that an image needs follow each other. */
function nextSegment(bytes: Buffer, at: number, isAll: boolean): SegmentEnd {
  const limit = Math.min(bytes.length, at + longestSearch);
  for (
    let next = bytes.indexOf(0xff, at + 4);
    next >= 0 && next + 4 <= limit;
    next = bytes.indexOf(0xff, next + 1)
  ) {
    const marker = bytes[next + 1] ?? 0;
    if (!withLength(marker) || isOptional(marker) || marker === 0xda) continue;
    const after = next + 2 + bytes.readUInt16BE(next + 2);
    if (after + 1 >= bytes.length) return isAll ? 'broken' : 'more';
    if (bytes[after] === 0xff && withLength(bytes[after + 1] ?? 0)) return next;
  }
  return isAll || bytes.length >= at + longestSearch ? 'broken' : 'more';
}

export interface MendedJpeg {
  readonly bytes: Uint8Array;
  /** The end marker was missing: the picture may be cut, too. */
  readonly wasOpen: boolean;
}

const endMarker = Buffer.from([0xff, 0xd9]);

/** A JPEG without optional segments of a wrong length, and with its end marker. Other faults stay for the decoder. */
export function mendJpeg(given: Uint8Array): MendedJpeg {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const kept: Buffer[] = [bytes.subarray(0, 2)];
  let at = 2;
  while (bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const marker = bytes[at + 1] ?? 0;
    // A fill byte before a marker (ITU T.81, B.1.1.2).
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (!withLength(marker)) return { bytes: given, wasOpen: false };
    const end = segmentEnd(bytes, at, true);
    if (typeof end !== 'number') return { bytes: given, wasOpen: false };
    const isMeant = end === at + 2 + bytes.readUInt16BE(at + 2);
    if (isMeant) kept.push(bytes.subarray(at, end));
    at = end;
  }
  if (bytes[at] !== 0xff) return { bytes: given, wasOpen: false };
  const wasOpen = bytes.indexOf(endMarker, at) < 0;
  const isWhole = kept.reduce((sum, { length }) => sum + length, 0) === at;
  if (isWhole && !wasOpen) return { bytes: given, wasOpen };
  kept.push(bytes.subarray(at), ...(wasOpen ? [endMarker] : []));
  return { bytes: Buffer.concat(kept), wasOpen };
}
