import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorBody } from '../../errors';

/** A request with its response, as Node.js has them: the same under Express and under Fastify. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Names in the address, decoded: `timeline`, `entry`. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The body, where a parser of the server has read it. */
  readonly body?: unknown;
}

const statusByCode: Readonly<Record<string, number>> = {
  'request-invalid': 400,
  'request-foreign': 403,
  'request-too-large': 413,
  'timeline-unknown': 404,
  'timeline-no-entry': 404,
  'timeline-no-picture': 404,
  'timeline-no-engine': 409,
  'timeline-pages': 503,
  'timeline-busy': 503,
  'timeline-closed': 503,
};

/** What may be in a browser's cache, for its own user, and is revalidated each time. */
const privateHeaders = {
  'cache-control': 'private, no-cache',
  vary: 'authorization, cookie',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  // A picture that is opened by itself runs nothing.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
} as const;

/** What no cache keeps. */
export const streamHeaders = {
  ...privateHeaders,
  'cache-control': 'no-store',
  // nginx passes each piece on at once.
  'x-accel-buffering': 'no',
} as const;

/** Sends a whole body, or 304 where the browser has it. */
export function sendBody(
  { request, response }: Exchange,
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const all = { ...privateHeaders, ...headers, etag };
  if (isCurrent(request.headers['if-none-match'], etag)) {
    response.writeHead(304, all).end();
    return;
  }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
  response.writeHead(200, { ...all, 'content-type': type, 'content-length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

export function sendJson(exchange: Exchange, value: unknown): void {
  sendBody(exchange, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** Sends `{error: {code, message, hint}}`; where the response has begun, it is cut off. */
export function sendError({ response }: Exchange, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const error = errorBody(thrown);
  const status = statusByCode[error.code] ?? 500;
  response.writeHead(status, {
    ...streamHeaders,
    'content-type': 'application/json; charset=utf-8',
    ...(status === 503 ? { 'retry-after': '5' } : {}),
  });
  response.end(JSON.stringify({ error }));
}

/** Aborted when the peer disconnects before the response has ended. */
export function peerGone({ response }: Exchange): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed || response.socket?.destroyed === true) gone.abort();
  else response.once('close', () => gone.abort());
  return gone.signal;
}

export function queryOf({ request }: Exchange): URLSearchParams {
  return new URL(request.url ?? '/', 'http://localhost').searchParams;
}

/** `W/` marks what a proxy has compressed. */
function isCurrent(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}
