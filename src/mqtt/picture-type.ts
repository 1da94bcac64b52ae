/** First bytes of each image format, as Latin-1. */
const beginnings: readonly (readonly [RegExp, string])[] = [
  [/^\x89PNG/, 'image/png'],
  [/^RIFF.{4}WEBP/s, 'image/webp'],
  [/^GIF8/, 'image/gif'],
  [/^.{4}ftypavi[fs]/s, 'image/avif'],
  [/^(II\*\0|MM\0\*)/, 'image/tiff'],
];

/** A picture's media type, by its first bytes. @returns `image/jpeg` for unknown bytes */
export function pictureType(picture: Uint8Array): string {
  const begin = Buffer.from(picture.subarray(0, 12)).toString('latin1');
  return beginnings.find(([beginning]) => beginning.test(begin))?.[1] ?? 'image/jpeg';
}
