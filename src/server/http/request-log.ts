import type { FastifyInstance } from 'fastify';

/**
 * Logs each request with its status and time. The route's pattern stands for the address, which a caller chooses; no
 * content is logged.
 */
export function registerRequestLog(app: FastifyInstance, log: (line: string) => void): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown path';
    const milliseconds = Math.round(reply.elapsedTime);
    log(`${request.ip} ${request.method} ${route}: ${reply.statusCode}, ${milliseconds} ms`);
  });
}
