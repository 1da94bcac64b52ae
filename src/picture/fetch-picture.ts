import { errorBody } from '../errors';
import { ImageError } from './image-error';
import { checkByteCount, type PictureLimits } from './picture-limits';

/**
 * Gets a picture by its address; the size is bounded while it comes, the time as a whole.
 * User and password in the address are sent as basic authentication and never shown in errors.
 * @throws ImageError `image-fetch`, `image-too-large`
 */
export async function fetchPicture(
  address: URL,
  limits: PictureLimits,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const authorization =
    username === ''
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
        };
  const timeout = AbortSignal.timeout(limits.fetchTimeoutMs);
  try {
    const response = await fetch(url, {
      headers: { accept: 'image/*', ...authorization },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw refusal(url, response.status, response.statusText);
    }
    return await boundedBody(response, limits);
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const reason = timeout.aborted ? `no answer within ${limits.fetchTimeoutMs} ms` : causeOf(cause);
    throw new ImageError('image-fetch', `the picture at ${url.href} cannot be fetched: ${reason}`, {
      hint: 'Open the address in a browser on this machine; check that the camera is on.',
      cause,
    });
  }
}

async function boundedBody(response: Response, limits: PictureLimits): Promise<Uint8Array> {
  checkByteCount(Number(response.headers.get('content-length') ?? 0), limits);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  if (response.body === null) return new Uint8Array();
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    checkByteCount(sizeBytes, limits);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusal(url: URL, status: number, statusText: string): ImageError {
  const hint =
    status === 401 || status === 403
      ? 'The camera wants a user and password: put them into the address or the credentials.'
      : 'Open the address in a browser on this machine.';
  return new ImageError('image-fetch', `${url.href} answered ${status} ${statusText}`.trim(), { hint });
}

/** fetch hides the reason of a network fault in its cause. */
function causeOf(fault: unknown): string {
  return errorBody(fault instanceof Error && fault.cause !== undefined ? fault.cause : fault).message;
}
