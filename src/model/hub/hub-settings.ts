import { defined } from '../../system/defined';
import type { Settings } from '../../system/settings';
import { HubError } from './hub-error';

/** How a hub is reached, and how patiently. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token?: string;
  /** A connection on which nothing comes for this long is given up. */
  readonly stallTimeoutMs: number;
  /** Tries of one request that bring no byte, before the pull fails. */
  readonly attempts: number;
  /** Before the second try; doubles with each further one. */
  readonly backoffMs: number;
}

/**
 * Checks the endpoint that the environment names (`HF_ENDPOINT`), and adds how patiently a hub is asked.
 * @throws HubError `hub-endpoint`
 */
export function hubSettings(hub: Settings['hub']): HubSettings {
  const endpoint = (hub.endpoint ?? 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new HubError('hub-endpoint', `HF_ENDPOINT: expected an http(s) address, received "${endpoint}"`);
  }
  return { endpoint, ...defined({ token: hub.token }), stallTimeoutMs: 30_000, attempts: 6, backoffMs: 1000 };
}
