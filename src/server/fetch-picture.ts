import { errorBody, SmolvlmError } from '../errors';
import { fetchPicture as fetchBytes } from '../picture/fetch-picture';
import { limits } from '../protocol/limits';

/** @throws SmolvlmError `request-image-url` when it cannot be fetched or is too large */
export async function fetchPicture(url: URL, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    const bounds = { maxBytes: limits.pictureBytes, maxPixels: 0, fetchTimeoutMs: 15_000 };
    return await fetchBytes(url, bounds, signal);
  } catch (cause) {
    throw new SmolvlmError('request-image-url', errorBody(cause).message, {
      hint: 'Send the picture as a data URI.',
      cause,
    });
  }
}
