import { errorBody } from '../errors';
import { shownAddress } from '../system/shown-address';
import type { CameraAccess } from './camera/camera-access';
import { loginRefused, refusalIn } from './camera/camera-refusal';
import { requestCamera } from './camera/camera-request';
import { pictureTime } from './camera/picture-time';
import { ImageError } from './image-error';
import { readPictureBody } from './picture-body';
import type { PictureLimits } from './picture-limits';

/** A picture as a server gave it. */
export interface FetchedPicture {
  readonly bytes: Uint8Array;
  /** When it was taken, milliseconds since 1970: as the camera says, otherwise when it began to answer. */
  readonly takenAt: number;
}

export interface FetchOptions extends CameraAccess {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches a picture by its address. Its size is bounded while it arrives, its time as a whole, to the last byte. User and
 * password are sent only if the server asks for them, and never shown in errors.
 * @throws ImageError `image-fetch`, `image-login`, `image-certificate`, `image-stream`, `image-too-large`
 */
export async function fetchPicture(
  address: URL,
  limits: PictureLimits,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return (await fetchPictureWith(address, limits, { signal })).bytes;
}

/** As `fetchPicture`, with what the camera needs besides its address, and with the picture's time. */
export async function fetchPictureWith(
  address: URL,
  limits: PictureLimits,
  { signal, ...access }: FetchOptions = {},
): Promise<FetchedPicture> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), limits.fetchTimeoutMs);
  const either = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
  let received = false;
  try {
    const { url, response } = await requestCamera(address, { accept: 'image/*' }, either, access);
    received = true;
    const answeredAt = Date.now();
    try {
      const bytes = await readPictureBody(response, limits, either);
      const refusal = refusalIn(bytes);
      if (refusal !== undefined) throw loginRefused(url, refusal);
      return { bytes, takenAt: pictureTime(response.headers, answeredAt) ?? answeredAt };
    } finally {
      response.close();
    }
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const late = received ? `the answer was not complete within` : `no answer within`;
    const reason = timeout.signal.aborted ? `${late} ${limits.fetchTimeoutMs} ms` : errorBody(cause).message;
    throw new ImageError(
      'image-fetch',
      `the picture at ${shownAddress(address)} cannot be fetched: ${reason || 'no connection'}`,
      { hint: 'Open the address in a browser on this machine; check that the camera is on.', cause },
    );
  } finally {
    clearTimeout(timer);
  }
}
