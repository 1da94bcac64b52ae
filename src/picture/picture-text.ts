import { shownText } from '../system/shown-address';
import { ImageError } from './image-error';

interface OtherText {
  readonly pattern: RegExp;
  readonly what: string;
  /** The bytes of a picture, as text. */
  readonly isPicture?: boolean;
  readonly hint: string;
}

const asBuffer =
  'In the http request node choose "a binary buffer" as the return value; in file nodes "a single buffer object".';

/** Text that people send as a picture, and that is not a path, an address or base64. */
const others: readonly OtherText[] = [
  {
    pattern:
      /^\ufffd{2,4}[\s\S]{0,8}(?:JFIF|Exif)|^\ufffdPNG|^RIFF[\s\S]{2,12}WEBP|^GIF8[79]a|\ufffd[\s\S]*\ufffd/,
    what: 'a picture that was read as text',
    isPicture: true,
    hint: asBuffer,
  },
  {
    pattern: /^(?:\xff\xd8\xff|\x89PNG)/,
    what: 'a picture as a binary string',
    isPicture: true,
    hint: `${asBuffer} Or convert it in a function node: msg.payload = Buffer.from(msg.payload, "latin1").`,
  },
  {
    pattern: /^\s*\{\s*"type"\s*:\s*"Buffer"/,
    what: 'a Buffer as JSON text',
    hint: 'Put a json node before this one, or convert it in a function node: msg.payload = Buffer.from(JSON.parse(msg.payload).data).',
  },
  {
    pattern:
      /^(?:b'|["']|url\(["']?)?(?:(?:data:)?(?:image\/[\w+.-]+;)?base64[,:]\s*)?(?:(?:\\?\/|%2f)9j|iVBORw0|UklGR)/i,
    what: 'base64 that is damaged or has other characters',
    hint: "Send the base64 text alone, without quotes, escapes and b'…'; check that it is not cut.",
  },
  {
    pattern: /^(?:0x|\\x)?(?:ff\s?d8\s?ff|89\s?50\s?4e\s?47)[\da-f\s]{50}/i,
    what: 'a picture in hexadecimal digits',
    hint: 'Convert it in a function node: msg.payload = Buffer.from(msg.payload.replace(/\\s/g, ""), "hex").',
  },
  {
    pattern: /^(?:undefined|null|NaN|\[object \w+\])$/,
    what: 'a value that was converted to text',
    hint: 'Check the node that made this text: the property that it used is missing, or is not text.',
  },
  {
    pattern: /^\s*(?:<!doctype|<\?xml|<[a-z]+[\s>])/i,
    what: 'the text of a page',
    hint: `The camera may have answered with an error or its login page: check its address, user and password. ${asBuffer}`,
  },
  {
    pattern: /^\s*(?:\{\s*"|\[\s*(?:\{|"|\d+\s*,))/,
    what: 'JSON text',
    hint: 'If the picture is in it, put a json node before this one and choose the property that holds the picture.',
  },
];

/** What a text is that is not a picture; undefined if it may be a path. */
export function otherText(text: string): ImageError | undefined {
  const other = others.find(({ pattern }) => pattern.test(text.slice(0, 2_000)));
  if (other) {
    const begin = other.hint.startsWith(asBuffer) ? '' : `: "${shownText(text.slice(0, 40).trim())}…"`;
    const message = `expected a picture, received ${other.what}${begin}`;
    const { hint } = other;
    return other.isPicture
      ? new ImageError('image-text', message, { hint })
      : new ImageError('image-source', message, { hint });
  }
  if (text !== '' && text.length <= 4096 && !text.includes('\0')) return undefined;
  const what = text === '' ? 'an empty string' : `text of ${text.length} characters in an unknown form`;
  return new ImageError('image-source', `expected a picture, received ${what}`, {
    hint: 'Send the bytes of the picture, its path, address, data URI or base64 text.',
  });
}
