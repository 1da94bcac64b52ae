const head = /^(?:\s*--[^\r\n]{0,200}\r?\n)?\s*(?:[\w-]+[ \t]*:[^\r\n]*\r?\n)+\r?\n/;

/** Whether bytes begin with a part's boundary and headers, as a single frame of an MJPEG stream does. */
export function isPart(bytes: Uint8Array): boolean {
  return headLength(bytes) > 0;
}

/** What the first part of a multipart body holds; other bytes are returned unchanged. */
export function firstPart(bytes: Uint8Array): Uint8Array {
  const begin = headLength(bytes);
  if (begin === 0) return bytes;
  const content = Buffer.from(bytes.buffer, bytes.byteOffset + begin, bytes.byteLength - begin);
  const boundary = /--[^\r\n]{1,200}/.exec(text(bytes, begin))?.[0];
  const end = boundary === undefined ? -1 : content.indexOf(`\n${boundary}`, 0, 'latin1');
  if (end < 0) return content;
  return content.subarray(0, content[end - 1] === 0x0d ? end - 1 : end);
}

function headLength(bytes: Uint8Array): number {
  // A header of some kind must name what follows: other text may look like headers.
  const found = head.exec(text(bytes, 2048))?.[0] ?? '';
  return /^content-/im.test(found) ? found.length : 0;
}

function text(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(length, bytes.byteLength)).toString('latin1');
}
