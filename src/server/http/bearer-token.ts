import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { SmolvlmError } from '../../errors';

/** Requires `Authorization: Bearer TOKEN`, or `X-Api-Key: TOKEN`, for everything except `GET /health`. */
export function registerBearerToken(app: FastifyInstance, token: string): void {
  const expected = digest(token);
  app.addHook('onRequest', async (request) => {
    if (/^(GET|HEAD)$/.test(request.method) && request.routeOptions.url === '/health') return;
    const { authorization, 'x-api-key': key } = request.headers;
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    if (isToken(bearer, expected) || isToken(key, expected)) return;
    throw new SmolvlmError(
      'request-unauthorized',
      "expected the engine's bearer token, received none or a wrong one",
      {
        hint: 'Give the client the token from the file that the engine was started with (--token-file).',
      },
    );
  });
}

/** @param expected digest of the token; digests are compared, so that the time reveals neither content nor length */
function isToken(token: string | string[] | undefined, expected: Buffer): boolean {
  return typeof token === 'string' && timingSafeEqual(digest(token), expected);
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
