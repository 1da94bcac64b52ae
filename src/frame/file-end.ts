import { open } from 'node:fs/promises';

const tailBytes = 64 * 1024;

/**
 * Whether a picture file ends as its format ends: JPEG and PNG by their end marker, WebP by its length. Of other formats
 * nothing is said: they count as whole.
 */
export async function isWholeFile(path: string): Promise<boolean> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const head = Buffer.alloc(12);
    await file.read(head, 0, 12, 0);
    const tail = Buffer.alloc(Math.min(size, tailBytes));
    await file.read(tail, 0, tail.length, size - tail.length);
    if (head.readUInt16BE(0) === 0xffd8) return tail.lastIndexOf(Buffer.from([0xff, 0xd9])) >= 0;
    if (head.readUInt32BE(0) === 0x89504e47) return tail.lastIndexOf('IEND', undefined, 'latin1') >= 0;
    if (head.toString('latin1', 0, 4) === 'RIFF') return size >= head.readUInt32LE(4) + 8;
    return head.some((byte) => byte !== 0);
  } catch {
    // Removed in the meantime, or held by its writer.
    return false;
  }
}
