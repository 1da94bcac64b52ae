import type { FastifyInstance } from 'fastify';
import { SmolvlmError } from '../../errors';
import { isAllowedOrigin } from './cors';
import { isLoopback } from './listen';

/**
 * Refuses requests that a web page of another site sends through a browser on this machine. For an engine without a
 * token, which only listens on loopback: `Origin` names the page's site, and `Host` another name when that name was made
 * to resolve to this machine (DNS rebinding).
 * @param origins of pages that may use the engine all the same
 */
export function registerLocalCallers(app: FastifyInstance, origins: readonly string[] = []): void {
  app.addHook('onRequest', async ({ headers }) => {
    const { host, origin } = headers;
    const isOurs = origin === undefined || isLocal(origin) || isAllowedOrigin(origin, origins);
    // Browsers send `Host`; some monitors, which speak HTTP/1.0, do not.
    const isHere = host === undefined || isLocal(`http://${host}`);
    if (isHere && isOurs) return;
    const field = isHere ? `Origin "${origin}"` : `Host "${host}"`;
    throw new SmolvlmError(
      'request-foreign',
      `expected a request for localhost or 127.0.0.1, received ${field}`,
      {
        hint: 'An engine without a token answers programs on its own machine only. Start it with --token-file for others.',
      },
    );
  });
}

function isLocal(address: string): boolean {
  if (!URL.canParse(address)) return false;
  return isLoopback(new URL(address).hostname.replace(/^\[(.*)\]$/, '$1'));
}
