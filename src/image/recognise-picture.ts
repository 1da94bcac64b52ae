import { ImageError } from '../picture/image-error';

export type PictureFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'tiff' | 'avif';

const signatures: readonly (readonly [PictureFormat | 'bmp' | 'heic', (head: Buffer) => boolean])[] = [
  ['jpeg', (head) => head.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))],
  ['png', (head) => head.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))],
  ['gif', (head) => /^GIF8[79]a/.test(head.toString('latin1', 0, 6))],
  ['webp', (head) => /^RIFF....WEBP/s.test(head.toString('latin1', 0, 12))],
  ['tiff', (head) => /^(II[*+]\0|MM\0[*+])/.test(head.toString('latin1', 0, 4))],
  // A file's kind may stand among its compatible brands only.
  ['avif', (head) => fileBrands(head).some((brand) => brand === 'avif' || brand === 'avis')],
  ['heic', (head) => fileBrands(head).some((brand) => /^(?:hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand))],
  ['bmp', (head) => head.toString('latin1', 0, 2) === 'BM' && head.length > 26],
];

/** The major and the compatible brands of an ISO media file (ISO/IEC 14496-12, 4.3). */
function fileBrands(head: Buffer): readonly string[] {
  if (head.toString('latin1', 4, 8) !== 'ftyp') return [];
  const compatible = head.toString('latin1', 16, Math.min(head.readUInt32BE(0), 256));
  return [head.toString('latin1', 8, 12), ...(compatible.match(/.{4}/gs) ?? [])];
}

/**
 * Detects a picture's format by its first bytes. For anything else the error names what it is, because a camera
 * often answers with a login page, an error text or nothing.
 * @throws ImageError `image-empty`, `image-html`, `image-svg`, `image-text`, `image-unsupported`
 */
export function recognisePicture(bytes: Uint8Array): PictureFormat {
  if (bytes.length === 0) {
    throw new ImageError('image-empty', 'expected a picture, received 0 bytes', {
      hint: 'Check that the camera is on and that its snapshot address shows a picture in a browser.',
    });
  }
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096));
  const format = signatures.find(([, matches]) => matches(head))?.[0];
  if (format === 'heic' || format === 'bmp') {
    throw new ImageError('image-unsupported', `${format.toUpperCase()} pictures cannot be read`, {
      hint: 'Send JPEG, PNG, WebP, AVIF, TIFF or GIF.',
    });
  }
  if (format !== undefined) return format;
  throw mangledPicture(head) ?? namedText(head) ?? unknownBytes(bytes, head);
}

/** Bytes that were read as text, or lost their line ends on the way. */
function mangledPicture(head: Buffer): ImageError | undefined {
  const text = head.toString('latin1');
  // Each byte that is not text became U+FFFD, two bytes, or a question mark.
  const isJpeg = /^[^\0]{2,12}\0.{1,4}(?:JFIF|Exif)\0|^\xc3\xbf\xc3\x98\xc3\xbf/s.test(text);
  const isPng = /^.{0,3}PNG\r?\n/s.test(text);
  if (!isJpeg && !isPng) return undefined;
  return new ImageError(
    'image-text',
    `expected a picture, received a ${isJpeg ? 'JPEG' : 'PNG'} that was read as text`,
    {
      hint: 'In the http request node choose "a binary buffer" as the return value; in file nodes "a single buffer object".',
    },
  );
}

function namedText(head: Buffer): ImageError | undefined {
  if (head.includes(0)) return undefined;
  const text = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (/^(<!doctype html|<html|<head|<body)/i.test(text)) {
    const title = /<title[^>]*>([^<]{1,80})/i.exec(text)?.[1]?.trim();
    return new ImageError(
      'image-html',
      `expected a picture, received a web page${title === undefined ? '' : ` titled "${title}"`}`,
      {
        hint: 'The camera requires a login, or the address is not its snapshot: check user, password and path.',
      },
    );
  }
  if (/^(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i.test(text)) {
    return new ImageError('image-svg', 'SVG drawings are not supported: they can refer to other files', {
      hint: 'Send JPEG, PNG, WebP, AVIF, TIFF or GIF.',
    });
  }
  const printable = text.slice(0, 200);
  const odd = [...printable].filter((character) =>
    /\ufffd|[^\p{L}\p{N}\p{P}\p{S}\p{Z}\r\n\t]/u.test(character),
  ).length;
  if (printable.length === 0 || odd > printable.length / 20) return undefined;
  return new ImageError(
    'image-text',
    `expected a picture, received text: "${printable.slice(0, 80).replaceAll(/\s+/g, ' ').trim()}"`,
    { hint: textHint(printable) },
  );
}

function textHint(text: string): string {
  if (/^#EXTM3U|^rtsps?:/i.test(text))
    return 'This leads to a video: choose "an RTSP stream" in a frame node, or enter the camera’s snapshot address.';
  if (/^(?:data:image\/|\/9j\/|iVBORw0)/.test(text))
    return 'This is base64: decode it in a function node, msg.payload = Buffer.from(TEXT, "base64").';
  return 'If a camera sent this text, it says why: check address, user and password. Otherwise send the bytes of the picture, its path, address, data URI or base64 text.';
}

/** H.264 and H.265, MP4, Matroska, FLV and MPEG-TS, in hexadecimal digits. */
const videoHead = /^(?:0000(?:00)?01(?!00)|.{8}66747970|1a45dfa3|464c56|47(?:..){187}47)/;

/** Other files that people send, by their first bytes in hexadecimal digits. */
const otherFiles: readonly (readonly [RegExp, string])[] = [
  [/^504b0304/, 'a ZIP archive'],
  [/^1f8b/, 'a gzip archive'],
  [/^25504446/, 'a PDF document'],
  [/^(?:ff0a|0000000c4a584c20)/, 'a JPEG XL picture'],
  [/^(?:0000000c6a502020|ff4fff51)/, 'a JPEG 2000 picture'],
  [/^0000(?:01|02)00/, 'an icon'],
  [/^38425053/, 'a Photoshop document'],
  [/^52494646.{8}41564920/, 'an AVI video'],
];

function unknownBytes(bytes: Uint8Array, head: Buffer): ImageError {
  const other = otherFiles.find(([pattern]) => pattern.test(head.toString('hex', 0, 16)))?.[1];
  if (other !== undefined) {
    return new ImageError('image-unsupported', `expected a picture, received ${other}`, {
      hint: 'Send JPEG, PNG, WebP, AVIF, TIFF or GIF.',
    });
  }
  if (videoHead.test(head.toString('hex', 0, 200))) {
    return new ImageError(
      'image-unsupported',
      `expected a picture, received a video of ${bytes.length} bytes`,
      {
        hint: 'Send a snapshot of the camera, or choose "an RTSP stream" in a frame node for its video.',
      },
    );
  }
  return new ImageError(
    'image-unsupported',
    `expected a picture, received ${bytes.length} bytes that start with ${head.toString('hex', 0, 8)}`,
    { hint: 'Send JPEG, PNG, WebP, AVIF, TIFF or GIF.' },
  );
}
