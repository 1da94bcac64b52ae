import type { Clock } from '../../system/clock';
import { defined } from '../../system/defined';
import { parseHttpAddress } from '../../system/http-address';
import type { Settings } from '../../system/settings';
import { HubError } from './hub-error';

/** Address, token, timeouts and retries of a hub. */
export interface HubSettings {
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly token?: string;
  /** A connection on which nothing is received for this long is closed. */
  readonly stallTimeoutMs: number;
  /** Measures it, and the waits between tries; default: the system's. */
  readonly clock?: Clock;
  /** Tries of one request without a byte received, after which the pull fails. */
  readonly attempts: number;
  /** Before the second try; doubles with each further one. */
  readonly backoffMs: number;
  /** Called when a try has failed, before the wait for the next one. */
  readonly onRetry?: (error: HubError, waitMs: number) => void;
}

/**
 * Checks the endpoint of the environment (`HF_ENDPOINT`), and adds timeouts and retries.
 * @throws HubError `hub-endpoint`
 */
export function hubSettings(hub: Settings['hub']): HubSettings {
  const endpoint = (hub.endpoint ?? 'https://huggingface.co').replace(/\/+$/, '');
  if (!parseHttpAddress(endpoint)) {
    throw new HubError('hub-endpoint', `HF_ENDPOINT: expected an http(s) address, received "${endpoint}"`);
  }
  return { endpoint, ...defined({ token: hub.token }), stallTimeoutMs: 30_000, attempts: 6, backoffMs: 1000 };
}
