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
  let receivedBytes: number | undefined;
  try {
    const { url, response } = await requestCamera(address, { accept: 'image/*' }, either, access);
    receivedBytes = 0;
    const count = (sizeBytes: number): void => {
      receivedBytes = (receivedBytes ?? 0) + sizeBytes;
    };
    const body = counted(response.body, count);
    const answeredAt = Date.now();
    try {
      const bytes = await readPictureBody({ headers: response.headers, body }, limits, either);
      if (bytes[0] === 0x15 && bytes[1] === 0x03) throw secureError(url);
      const refusal = refusalIn(bytes);
      if (refusal !== undefined) throw loginRefused(url, refusal);
      return { bytes, takenAt: pictureTime(response.headers, answeredAt) ?? answeredAt };
    } finally {
      response.close();
    }
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    if (timeout.signal.aborted) throw lateError(address, limits.fetchTimeoutMs, receivedBytes, cause);
    throw fetchError(address, errorBody(cause).message || 'no connection', cause);
  } finally {
    clearTimeout(timer);
  }
}

async function* counted(
  body: AsyncGenerator<Buffer, void>,
  count: (sizeBytes: number) => void,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of body) {
    count(chunk.length);
    yield chunk;
  }
}

function lateError(
  address: URL,
  timeoutMs: number,
  receivedBytes: number | undefined,
  cause: unknown,
): ImageError {
  if (receivedBytes === undefined) return fetchError(address, `no answer within ${timeoutMs} ms`, cause);
  const reason = `the answer was not complete within ${timeoutMs} ms; ${receivedBytes} bytes were received`;
  return fetchError(
    address,
    reason,
    cause,
    'Raise the timeout if the camera or the network is slow. If this is the address of a video, enter the snapshot address.',
  );
}

function fetchError(
  address: URL,
  reason: string,
  cause: unknown,
  hint = 'Open the address in a browser on this machine; check that the camera is on.',
): ImageError {
  const message = `the picture at ${shownAddress(address)} cannot be fetched: ${reason}`;
  return new ImageError('image-fetch', message, { hint: tlsHint(reason) ?? hint, cause });
}

function tlsHint(reason: string): string | undefined {
  if (!/wrong version number|packet length too long/i.test(reason)) return undefined;
  return 'This port does not speak https: write http:// at the beginning of the address.';
}

function secureError(url: URL): ImageError {
  return new ImageError('image-fetch', `${shownAddress(url)} answered with TLS, not HTTP`, {
    hint: 'This port speaks https: write https:// at the beginning of the address.',
  });
}
