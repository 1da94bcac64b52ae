import { SmolvlmError } from '../errors';
import type { ResolveHost } from '../picture/camera/camera-access';
import { fetchPictureWith } from '../picture/fetch-picture';
import { ImageError } from '../picture/image-error';
import { limits } from '../protocol/limits';
import { shownAddress } from '../system/shown-address';

const fetchTimeoutMs = 15_000;

/**
 * Fetches a picture for a client on the network. An error says nothing about what answered, or whether something did: the
 * caller could read pages of this network in it, or find its open ports.
 * @throws SmolvlmError `request-image-url` when it cannot be fetched or is too large
 */
export async function fetchClientPicture(
  url: URL,
  resolveHost: ResolveHost,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  try {
    const bounds = { maxBytes: limits.pictureBytes, maxPixels: 0, fetchTimeoutMs };
    return (await fetchPictureWith(url, bounds, { signal, resolveHost })).bytes;
  } catch (cause) {
    signal?.throwIfAborted();
    const isTooLarge = cause instanceof ImageError && cause.code === 'image-too-large';
    const reason = isTooLarge
      ? `is larger than ${limits.pictureBytes} bytes`
      : 'cannot be fetched, or its host is not allowed';
    throw new SmolvlmError('request-image-url', `the picture at ${shownAddress(url)} ${reason}`, {
      hint: 'Send the picture as a data URI. Hosts on the internet need --allow-image-urls on the engine, others --allow-image-host HOST.',
      cause,
    });
  }
}
