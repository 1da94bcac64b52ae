import type { FastifyInstance } from 'fastify';
import { SmolvlmError } from '../../errors';
import { type AccessToken, TokenList } from './access-tokens';
import { FailedLogins } from './failed-logins';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route needs no token: it contains no data. */
    readonly isPublic?: boolean;
  }
}

/** Requires `Authorization: Bearer TOKEN`, or `X-Api-Key: TOKEN`, except for public routes and `GET /health`. */
export function registerBearerToken(
  app: FastifyInstance,
  token: string | readonly AccessToken[],
  failures = new FailedLogins(),
): void {
  const tokens = new TokenList(typeof token === 'string' ? [{ name: 'token', token }] : token);
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isPublic) return;
    if (/^(GET|HEAD)$/.test(request.method) && request.routeOptions.url === '/health') return;
    const { authorization, 'x-api-key': key } = request.headers;
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    if ((tokens.nameOf(bearer) ?? tokens.nameOf(key)) !== undefined) {
      failures.succeeded(request.ip);
      return;
    }
    // A request without a token guesses nothing.
    if (bearer !== undefined || key !== undefined) await failures.failed(request.ip);
    throw new SmolvlmError(
      'request-unauthorized',
      "expected the engine's bearer token, received none or a wrong one",
      {
        hint: 'Give the client the token from the file that the engine was started with (--token-file).',
      },
    );
  });
}
