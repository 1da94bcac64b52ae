import type { FastifyInstance } from 'fastify';
import { SmolvlmError } from '../../errors';
import { type AccessToken, TokenList } from './access-tokens';
import { FailedLogins } from './failed-logins';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route needs no token: it contains no data. */
    readonly isPublic?: boolean;
    /** The token is also accepted as the password of basic authentication, with any name. Only for routes that read. */
    readonly acceptsPassword?: boolean;
  }
}

/** Requires `Authorization: Bearer TOKEN`, or `X-Api-Key: TOKEN`, except for public routes and `GET /health`. */
export function registerBearerToken(
  app: FastifyInstance,
  token: string | readonly AccessToken[],
  failures = new FailedLogins(),
): void {
  const tokens = new TokenList(typeof token === 'string' ? [{ name: 'token', token }] : token);
  app.addHook('onRequest', async (request, reply) => {
    const { isPublic = false, acceptsPassword = false } = request.routeOptions.config;
    if (isPublic) return;
    if (/^(GET|HEAD)$/.test(request.method) && request.routeOptions.url === '/health') return;
    const { authorization, 'x-api-key': key } = request.headers;
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    const password = acceptsPassword ? basicPassword(authorization) : undefined;
    if ((tokens.nameOf(bearer) ?? tokens.nameOf(key) ?? tokens.nameOf(password)) !== undefined) {
      failures.succeeded(request.ip);
      return;
    }
    const given = bearer ?? key ?? password;
    // A request without a token guesses nothing.
    if (given !== undefined) await failures.failed(request.ip);
    if (acceptsPassword) reply.header('www-authenticate', 'Basic realm="captions", charset="UTF-8"');
    throw new SmolvlmError(
      'request-unauthorized',
      `expected the engine's bearer token, received ${given === undefined ? 'none' : 'a wrong one'}`,
      {
        hint:
          given === undefined
            ? "Enter the token in the engine's dialog and deploy: an imported flow does not contain it. Other clients send the token of the engine's --token-file."
            : 'Give the client the token from the file that the engine was started with (--token-file).',
      },
    );
  });
}

/** The password of `Authorization: Basic` (RFC 7617). */
function basicPassword(authorization = ''): string | undefined {
  const [, encoded] = /^Basic +([\w+/=-]+) *$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const [, ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return password.join(':');
}
