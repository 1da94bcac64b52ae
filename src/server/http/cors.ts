import type { FastifyInstance, FastifyReply } from 'fastify';

/**
 * Lets pages of these origins use the engine from a browser (CORS). Preflight requests are answered without a token, which
 * browsers do not send with them.
 * @param origins e.g. `https://home.example`; `*` stands for every origin
 */
export function registerCors(app: FastifyInstance, origins: readonly string[]): void {
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    const { origin } = headers;
    if (!isAllowedOrigin(origin, origins)) return;
    reply.header('access-control-allow-origin', origin).header('vary', 'origin');
    reply.header('access-control-expose-headers', '*');
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return;
    await answerPreflight(reply, headers['access-control-request-headers']);
  });
}

/** Whether a browser's page of this origin may use the engine. */
export function isAllowedOrigin(origin: string | undefined, origins: readonly string[]): origin is string {
  return origin !== undefined && (origins.includes('*') || origins.includes(origin));
}

/** @param requested headers that the page is going to send; OpenAI's client sends more than the default ones */
async function answerPreflight(reply: FastifyReply, requested: string | undefined): Promise<void> {
  await reply
    .header('access-control-allow-methods', 'GET, POST, DELETE')
    .header('access-control-allow-headers', requested ?? 'authorization, content-type, x-api-key')
    .header('access-control-max-age', '600')
    .code(204)
    .send();
}
