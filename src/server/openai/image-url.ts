import { parseHttpAddress } from '../../system/http-address';
import { shownAddress } from '../../system/shown-address';
import { FieldError } from './openai-errors';

/** Fetches a picture by its address. */
export type FetchPicture = (url: URL) => Promise<Uint8Array>;

/**
 * The bytes of a picture given as a data URI, whatever media type it states, or by address.
 * @param param place of the field
 * @param fetchPicture absent when pictures by address are refused
 * @throws FieldError `request-image-url`
 */
export async function readImageUrl(
  url: string,
  param: string,
  fetchPicture: FetchPicture | undefined,
): Promise<Uint8Array> {
  const comma = url.slice(0, 300).indexOf(',');
  if (/^data:[^,]*;base64$/i.test(url.slice(0, Math.max(0, comma)))) {
    const base64 = url.slice(comma + 1);
    if (/^[A-Za-z0-9+/=_\s-]*$/.test(base64)) return new Uint8Array(Buffer.from(base64, 'base64'));
  }
  const address = parseHttpAddress(url);
  if (!address) {
    const shown = shownAddress(url).slice(0, 60);
    throw new FieldError('request-image-url', param, `expected data:image/…;base64,…, received "${shown}"`);
  }
  if (!fetchPicture) {
    throw new FieldError('request-image-url', param, 'this engine does not fetch pictures by address', {
      hint: 'Send the picture as a data URI, or start the engine with --allow-image-urls.',
    });
  }
  return await fetchPicture(address);
}
