import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** How long to wait for the rest of a refused body. */
const lingerMs = 5_000;

/**
 * Keeps the connection of a request that is refused before its body has arrived, and discards the rest of the body. A
 * server that closes at once resets the connection, and a caller that is still sending loses the answer (EPIPE).
 */
export function registerUnreadBodies(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.raw.complete) return payload;
    const keepsConnection = reply.raw.shouldKeepAlive && reply.getHeader('connection') !== 'close';
    reply.removeHeader('connection');
    // Otherwise Node closes it with the response's last byte.
    reply.raw.shouldKeepAlive = true;
    reply.raw.once('finish', () => linger(request.raw, keepsConnection));
    return payload;
  });
}

function linger(request: IncomingMessage, keepsConnection: boolean): void {
  const end = (): void => {
    clearTimeout(timer);
    if (!keepsConnection || !request.complete) request.socket.destroySoon();
  };
  const timer = setTimeout(end, lingerMs);
  timer.unref();
  if (request.complete) end();
  else request.once('end', end).once('close', () => clearTimeout(timer));
}
