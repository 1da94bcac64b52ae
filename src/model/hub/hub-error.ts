import { SmolvlmError } from '../../errors';

/** A longer `Retry-After` of a hub is shortened to this. */
const longestWaitMs = 120_000;

/** A failed download from a model hub; codes `hub-…`. */
export class HubError extends SmolvlmError {
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** The hub's `Retry-After`. */
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

/** What was requested, as errors name it. */
export interface HubSubject {
  /** e.g. `ORG/NAME at main` or `model.safetensors of ORG/NAME` */
  readonly name: string;
  /** The model's page. */
  readonly page: string;
  readonly withToken: boolean;
}

/** The error for a hub's answer without content. @param response with an error status */
export function statusError(response: Response, { name, page, withToken }: HubSubject): HubError {
  const { status, headers } = response;
  const said = headers.get('x-error-message');
  const refused = `the hub refused ${name}: status ${status}${said ? ` (${said})` : ''}`;
  if (status === 401) {
    return new HubError('hub-unauthorized', refused, {
      hint: withToken
        ? 'The token in HF_TOKEN is not accepted, or the model does not exist: check both.'
        : 'The model does not exist, or it is private: check its name, or set HF_TOKEN to an access token.',
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
