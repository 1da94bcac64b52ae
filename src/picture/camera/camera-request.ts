import { defined } from '../../system/defined';
import { shownAddress } from '../../system/shown-address';
import { ImageError } from '../image-error';
import type { CameraAccess, Credentials } from './camera-access';
import { type CameraResponse, openCamera } from './camera-connection';
import { CameraCookies } from './camera-cookies';
import { type Authorization, answerChallenges, isStale, offeredLogins } from './camera-login';
import { excerptOf, loginRefused, refusalIn } from './camera-refusal';
import { type Challenge, parseChallenges } from './www-authenticate';

const mostRedirects = 5;
const mostStale = 2;
const excerptBytes = 4096;

export interface AnsweredRequest {
  /** Where the redirects led. */
  readonly url: URL;
  /** With a status from 200 to 299. The caller closes it. */
  readonly response: CameraResponse;
}

/**
 * Opens a camera's address: follows redirects, and logs in when asked. Credentials go to the address's host
 * only, and not from https to http.
 * @throws ImageError `image-login`, `image-certificate`, `image-fetch` for any other status; errors of the network and
 *   of the signal
 */
export async function requestCamera(
  address: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  { credentials = credentialsOf(address), trust, resolveHost }: CameraAccess = {},
): Promise<AnsweredRequest> {
  let url = withoutLogin(address);
  let login: Authorization | undefined;
  const cookies = new CameraCookies();
  let stale = 0;
  for (let redirects = 0; ; ) {
    const sent = defined({ authorization: login?.header, cookie: cookies.header(url) });
    const response = await openCamera(
      url,
      { ...headers, ...sent },
      { ...defined({ trust, resolveHost }) },
      signal,
    );
    const { status } = response;
    cookies.keep(url, response.headers.get('set-cookie') ?? []);
    if (status >= 200 && status < 300) return { url, response };
    const location = response.headers.get('location')?.[0];
    if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) {
      response.close();
      redirects++;
      url = redirected(url, location, redirects);
      login = undefined;
      continue;
    }
    const isThere =
      url.hostname === address.hostname && (url.protocol === 'https:' || address.protocol !== 'https:');
    const known = isThere ? credentials : undefined;
    const challenges = parseChallenges(response.headers.get('www-authenticate') ?? []);
    const mayLogin = login === undefined || (isStale(challenges, login) && stale++ < mostStale);
    if (status === 401 && known && mayLogin) {
      login = answerChallenges(challenges, { method: 'GET', uri: `${url.pathname}${url.search}` }, known);
      if (login) {
        response.close();
        continue;
      }
    }
    const isElsewhere = credentials !== undefined && !isThere;
    throw await refusal(url, response, challenges, { known, isSent: login !== undefined, isElsewhere });
  }
}

function redirected(url: URL, location: string, count: number): URL {
  const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (next && ['http:', 'https:'].includes(next.protocol) && count <= mostRedirects)
    return withoutLogin(next);
  const reason =
    next && count > mostRedirects
      ? `redirects more than ${mostRedirects} times`
      : 'redirects to an address that is not http(s)';
  throw new ImageError('image-fetch', `${shownAddress(url)} ${reason}: ${shownAddress(location)}`, {
    hint: 'Open the address in a browser on this machine, and enter the address to which it leads.',
  });
}

/** How an error's message says that no login was entered. */
const noLogin = 'no user and password are given';

interface LoginState {
  /** For this address. */
  readonly known: Credentials | undefined;
  readonly isSent: boolean;
  /** They are not for this address, to which a redirect led. */
  readonly isElsewhere: boolean;
}

async function refusal(
  url: URL,
  response: CameraResponse,
  challenges: readonly Challenge[],
  { known, isSent, isElsewhere }: LoginState,
): Promise<ImageError> {
  const { status, statusText } = response;
  const answered = `${shownAddress(url)} answered ${status} ${statusText}`.trim();
  const text = await firstBytes(response);
  const words = refusalIn(text);
  if (status !== 401 && status !== 403) {
    if (words !== undefined) return loginRefused(url, `${status} ${words}`);
    const excerpt = excerptOf(text);
    return new ImageError('image-fetch', excerpt === undefined ? answered : `${answered}: ${excerpt}`, {
      hint:
        status === 404
          ? 'The path is wrong, or the camera’s snapshots are off.'
          : 'Open the address in a browser on this machine.',
    });
  }
  if (known && !isSent && status === 401) {
    return new ImageError('image-login', `${answered}, and offers ${offeredLogins(challenges)}`, {
      hint: 'Digest (MD5, SHA-256, SHA-512-256) and Basic logins are supported: choose one in the camera’s settings.',
    });
  }
  const without = known || isElsewhere ? '' : `, and ${noLogin}`;
  return new ImageError('image-login', `${answered}${without}`, {
    hint: loginHint({ known, isSent, isElsewhere }),
  });
}

function loginHint({ known, isSent, isElsewhere }: LoginState): string {
  if (isSent)
    return 'The camera refuses this user or password; after some wrong logins most cameras lock for minutes.';
  if (isElsewhere)
    return 'The address redirects here, and the login is sent only to its own host, never from https to http: enter this address instead.';
  if (known)
    return 'The camera does not show this address to this user: check the user’s rights and the path.';
  return 'The camera asks for a user and password: enter them in the node and deploy, since an imported flow does not contain them, or write them into the address.';
}

/** The beginning of an answer that is not a picture. */
async function firstBytes({ body, close }: CameraResponse): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const timer = setTimeout(close, 500);
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes >= excerptBytes) break;
    }
  } catch {
    // What came before it broke is enough.
  } finally {
    clearTimeout(timer);
    close();
  }
  return Buffer.concat(chunks);
}

function withoutLogin(address: URL): URL {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function credentialsOf({ username, password }: URL): Credentials | undefined {
  if (username === '') return undefined;
  return { user: decoded(username), password: decoded(password) };
}

/** A `%` that does not begin an escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
