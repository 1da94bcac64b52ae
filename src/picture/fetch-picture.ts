import { errorBody } from '../errors';
import { digestAuthorization } from './digest-auth';
import { ImageError } from './image-error';
import { checkByteCount, type PictureLimits } from './picture-limits';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** A picture as a server gave it. */
export interface FetchedPicture {
  readonly bytes: Uint8Array;
  /** What the server says of its age (`Last-Modified`), milliseconds since 1970. */
  readonly modifiedAt?: number;
}

export interface FetchOptions {
  /** In place of user and password in the address. */
  readonly credentials?: Credentials;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gets a picture by its address; the size is bounded while it comes, the time as a whole.
 * User and password are sent when the server asks for them, by digest authentication or basic, and never shown in errors.
 * @throws ImageError `image-fetch`, `image-login`, `image-too-large`
 */
export async function fetchPicture(
  address: URL,
  limits: PictureLimits,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return (await fetchPictureWith(address, limits, { signal })).bytes;
}

/** As `fetchPicture`, with credentials of their own and the picture's age. */
export async function fetchPictureWith(
  address: URL,
  limits: PictureLimits,
  { credentials, signal }: FetchOptions = {},
): Promise<FetchedPicture> {
  const timeout = AbortSignal.timeout(limits.fetchTimeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const response = await authorizedFetch(address, { accept: 'image/*' }, either, credentials);
    const modifiedAt = Date.parse(response.headers.get('last-modified') ?? '');
    return { bytes: await boundedBody(response, limits), ...(modifiedAt > 0 && { modifiedAt }) };
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const reason = timeout.aborted ? `no answer within ${limits.fetchTimeoutMs} ms` : causeOf(cause);
    throw new ImageError('image-fetch', `the picture at ${bare(address).href} cannot be fetched: ${reason}`, {
      hint: 'Open the address in a browser on this machine; check that the camera is on.',
      cause,
    });
  }
}

/**
 * A response that is good.
 * @throws ImageError `image-login` for 401 and 403, `image-fetch` for any other status; what `fetch` throws
 */
export async function authorizedFetch(
  address: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  credentials = credentialsOf(address),
): Promise<Response> {
  const url = bare(address);
  const ask = (authorization?: string): Promise<Response> =>
    fetch(url, { headers: { ...headers, ...(authorization && { authorization }) }, signal });
  // Not before it is asked for: whoever knows digest is not told the password, and sees no failed login each time.
  let response = await ask();
  if (response.status === 401 && credentials) {
    const challenge = response.headers.get('www-authenticate') ?? '';
    const digest = digestAuthorization(challenge, 'GET', `${url.pathname}${url.search}`, credentials);
    await response.body?.cancel();
    response = await ask(digest ?? basic(credentials));
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw refusal(url, response.status, response.statusText);
}

/** The address as it may be shown. */
export function bare(address: URL): URL {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url;
}

function credentialsOf({ username, password }: URL): Credentials | undefined {
  if (username === '') return undefined;
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
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
  const wantsLogin = status === 401 || status === 403;
  const hint = wantsLogin
    ? 'The camera wants a user and password: put them into the address or the credentials.'
    : 'Open the address in a browser on this machine.';
  return new ImageError(
    wantsLogin ? 'image-login' : 'image-fetch',
    `${url.href} answered ${status} ${statusText}`.trim(),
    { hint },
  );
}

/** fetch hides the reason of a network fault in its cause. */
function causeOf(fault: unknown): string {
  return errorBody(fault instanceof Error && fault.cause !== undefined ? fault.cause : fault).message;
}
