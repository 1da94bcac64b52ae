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
 * Takes endpoint and token from `HF_ENDPOINT`, `HF_TOKEN` and `HUGGING_FACE_HUB_TOKEN`, as Hugging Face's own client.
 * @throws HubError `hub-endpoint`
 */
export function hubSettings(environment: NodeJS.ProcessEnv = process.env): HubSettings {
  const endpoint = (environment.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new HubError('hub-endpoint', `HF_ENDPOINT: expected an http(s) address, received "${endpoint}"`);
  }
  const token = (environment.HF_TOKEN || environment.HUGGING_FACE_HUB_TOKEN)?.trim();
  return { endpoint, ...(token && { token }), stallTimeoutMs: 30_000, attempts: 6, backoffMs: 1000 };
}
