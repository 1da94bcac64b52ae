import type { PictureFormat } from './recognise-picture';

/** Whether a picture's bytes end before its format says; undefined if the format does not say where it ends. */
export function isCutShort(bytes: Uint8Array, format: PictureFormat): boolean | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    switch (format) {
      case 'png':
        return buffer.toString('latin1', 12, 16) === 'IHDR' && buffer.lastIndexOf('IEND') < 0;
      case 'webp':
        return buffer.readUInt32LE(4) + 8 > buffer.length;
      case 'avif':
        return boxesEnd(buffer) > buffer.length;
      case 'gif':
        return buffer.lastIndexOf(0x3b) < buffer.length - 16;
      case 'tiff':
        return directoryBegin(buffer) + 2 > buffer.length || undefined;
      case 'jpeg':
        return undefined;
    }
  } catch (error) {
    // A field of the header itself is missing.
    if (error instanceof RangeError) return true;
    throw error;
  }
}

/** Where the boxes of an ISO media file (ISO/IEC 14496-12) end. */
function boxesEnd(buffer: Buffer): number {
  let at = 0;
  while (at + 8 <= buffer.length) {
    const size = buffer.readUInt32BE(at);
    // 0: to the end of the file; 1: in 64 bits.
    if (size === 0) return buffer.length;
    const length = size === 1 ? Number(buffer.readBigUInt64BE(at + 8)) : size;
    at += Math.max(8, length);
  }
  return at;
}

function directoryBegin(buffer: Buffer): number {
  return buffer[0] === 0x49 ? buffer.readUInt32LE(4) : buffer.readUInt32BE(4);
}
