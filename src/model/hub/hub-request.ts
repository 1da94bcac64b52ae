import { unlessAborted } from '../../system/async/unless-aborted';
import { systemClock } from '../../system/clock';
import { defined } from '../../system/defined';
import { HubError } from './hub-error';
import type { HubSettings } from './hub-settings';

const maxRedirects = 10;
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

/** How long a connection may be silent, and by which clock. */
export type StallTime = Pick<HubSettings, 'stallTimeoutMs' | 'clock'>;

/** Ends a request on which nothing is received for too long. */
export class StallGuard {
  readonly #abort = new AbortController();
  readonly #arm: () => () => void;
  #disarm: () => void;
  /** Aborted by the caller or by the guard. */
  readonly signal: AbortSignal;

  constructor({ stallTimeoutMs, clock = systemClock }: StallTime, url: string, caller?: AbortSignal) {
    this.signal = caller ? AbortSignal.any([caller, this.#abort.signal]) : this.#abort.signal;
    const giveUp = (): void => {
      const message = `nothing was received from ${new URL(url).host} for ${stallTimeoutMs / 1000} s`;
      this.#abort.abort(new HubError('hub-stalled', message, { retryable: true, hint: keptHint }));
    };
    this.#arm = () => clock.after(stallTimeoutMs, giveUp);
    this.#disarm = this.#arm();
  }

  /** Called when something was received. */
  touch(): void {
    this.#disarm();
    this.#disarm = this.#arm();
  }

  stop(): void {
    this.#disarm();
  }
}

const keptHint = 'Check the network and run the same pull again: what was downloaded is kept.';

export interface HubRequest {
  readonly method?: 'GET' | 'HEAD';
  /** Below the endpoint, with a leading slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly guard: StallGuard;
}

/**
 * Sends a request and follows redirects, but not from https to http. The token is sent to the hub only, not to another
 * origin that it redirects to (storage hosts). A HEAD request stops at a redirect that has the file's size
 * (`X-Linked-Size`).
 * @throws HubError for a network error; error statuses are left to the caller
 */
export async function hubFetch(settings: HubSettings, request: HubRequest): Promise<Response> {
  const hubOrigin = new URL(settings.endpoint).origin;
  let url = new URL(`${settings.endpoint}${request.path}`);
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const authorized = settings.token !== undefined && url.origin === hubOrigin;
    const response = await send(url, request, {
      ...request.headers,
      // A compressed answer could be neither continued nor compared with the announced size.
      'accept-encoding': 'identity',
      ...defined({ authorization: authorized ? `Bearer ${settings.token}` : undefined }),
    });
    const location = response.headers.get('location');
    if (!redirectStatuses.includes(response.status) || location === null) return response;
    if (request.method === 'HEAD' && response.headers.has('x-linked-size')) return response;
    await response.body?.cancel();
    const next = new URL(location, url);
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw new HubError(
        'hub-redirect',
        `${url.host} redirects from https to ${next.protocol}//${next.host}`,
      );
    }
    url = next;
  }
  throw new HubError('hub-redirect', `${hubOrigin}${request.path}: more than ${maxRedirects} redirects`);
}

async function send(url: URL, request: HubRequest, headers: Record<string, string>): Promise<Response> {
  const { signal } = request.guard;
  try {
    return await fetch(url, { method: request.method ?? 'GET', headers, signal, redirect: 'manual' });
  } catch (error) {
    throw networkError(error, url.host, signal);
  }
}

/** The error for an interrupted request or body: the caller's abort reason, else an error that may be retried. */
export function networkError(error: unknown, host: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof HubError) return error;
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  const reason = cause?.code ?? cause?.message ?? (error as Error).message;
  return new HubError('hub-unreachable', `the connection to ${host} failed: ${reason}`, {
    cause: error,
    retryable: true,
    hint: keptHint,
  });
}

/**
 * Repeats an action while its errors may be retried, waiting longer each time, or as long as the hub asks.
 * @param progressed whether the last try received anything: then the count of tries begins again
 */
export async function withRetries<T>(
  settings: HubSettings,
  action: () => Promise<T>,
  signal?: AbortSignal,
  progressed: () => boolean = () => false,
): Promise<T> {
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof HubError) || !error.retryable) throw error;
      failures = progressed() ? 1 : failures + 1;
      if (failures >= settings.attempts) throw error;
      const waitMs = error.retryAfterMs ?? settings.backoffMs * 2 ** (failures - 1);
      settings.onRetry?.(error, waitMs);
      await pause(waitMs, settings, signal);
    }
  }
}

async function pause(ms: number, { clock = systemClock }: StallTime, signal?: AbortSignal): Promise<void> {
  let cancel = (): void => {};
  const waited = new Promise<void>((done) => {
    cancel = clock.after(ms, done);
  });
  await unlessAborted(waited, signal).finally(() => cancel());
}
