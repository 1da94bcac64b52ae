import type { FastifyInstance } from 'fastify';

/**
 * `POST /v1/smolvlm/drain`: the engine takes no more requests, finishes those that run and ends. For programs of the same
 * user: a newer client replaces an older engine this way.
 * @param onDrain called once the request is answered
 */
export function registerDrain(app: FastifyInstance, onDrain: () => void): void {
  app.post('/v1/smolvlm/drain', async (_request, reply) => {
    reply.raw.once('close', onDrain);
    return { draining: true };
  });
}
