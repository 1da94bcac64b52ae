import { SmolvlmError } from '../../errors';

/** Longest time that a hub's `Retry-After` is obeyed. */
const longestWaitMs = 120_000;

/** A download that a model hub refused or broke off; codes `hub-…`. */
export class HubError extends SmolvlmError {
  /** The same request may succeed a little later. */
  readonly retryable: boolean;
  /** The hub asked to wait this long. */
  readonly retryAfterMs?: number;

  constructor(
    code: string,
    message: string,
    options: { hint?: string; cause?: unknown; retryable?: boolean; retryAfterMs?: number } = {},
  ) {
    super(code, message, options);
    this.retryable = options.retryable ?? false;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** What was asked for, as errors name it. */
export interface HubSubject {
  /** e.g. `ORG/NAME at main` or `model.safetensors of ORG/NAME` */
  readonly name: string;
  /** The model's page. */
  readonly page: string;
  readonly withToken: boolean;
}

/** Tells apart why a hub did not answer with content. @param response of a status that is no success */
export function statusError(response: Response, { name, page, withToken }: HubSubject): HubError {
  const { status, headers } = response;
  const said = headers.get('x-error-message');
  const refused = `the hub refused ${name}: status ${status}${said ? ` (${said})` : ''}`;
  if (status === 401) {
    return new HubError('hub-unauthorized', refused, {
      hint: withToken
        ? 'The token in HF_TOKEN is not accepted, or there is no such model: check both.'
        : 'There is no such model, or it is private: check its name, or set HF_TOKEN to an access token.',
    });
  }
  if (status === 403) {
    return new HubError('hub-forbidden', refused, {
      hint: `Open ${page}, accept the terms there if it is gated, and set HF_TOKEN to a token that may read it.`,
    });
  }
  if (status === 404) {
    const missing = { RevisionNotFound: 'revision', EntryNotFound: 'file' }[
      headers.get('x-error-code') ?? ''
    ];
    return new HubError('hub-not-found', `the hub has no ${missing ?? 'model'} ${name}`, {
      hint: 'Check the spelling: smolvlm pull ORG/NAME or ORG/NAME@REVISION.',
    });
  }
  if (status === 429) {
    return new HubError('hub-busy', `${refused}: too many requests`, {
      hint: 'Try again later; what was downloaded is kept.',
      retryable: true,
      ...retryAfter(headers.get('retry-after')),
    });
  }
  return new HubError('hub-status', refused, {
    hint: 'Try again later; what was downloaded is kept.',
    retryable: status === 408 || status >= 500,
    ...retryAfter(headers.get('retry-after')),
  });
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function retryAfter(value: string | null): { retryAfterMs?: number } {
  if (value === null) return {};
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? {} : { retryAfterMs: Math.min(Math.max(ms, 0), longestWaitMs) };
}
