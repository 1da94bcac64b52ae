import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { type EngineStatus, protocolVersion } from '../../protocol/engine-status';
import { eventStreamType } from '../../protocol/ndjson';
import { writeResponse } from '../http/event-response';
import type { RouteDocumentation } from '../http/openapi';
import { statusPage } from './status-page';

export interface StatusOptions {
  readonly engine: Engine;
  /** Of the package. */
  readonly version: string;
  readonly modelLimitBytes: number;
}

/**
 * `GET /health` (needs no token), `GET /v1/status`, `GET /`, a page that shows the status, and `GET /v1/lease`, which
 * keeps the engine running.
 */
export function registerStatus(
  app: FastifyInstance,
  { engine, version, modelLimitBytes }: StatusOptions,
): void {
  const identity = () => ({
    state: engine.stopping ? ('stopping' as const) : ('ready' as const),
    version,
    protocol: protocolVersion,
  });

  // `status` is what monitors of OpenAI-compatible servers look for.
  app.get('/health', documented('Tell whether the engine is ready'), async () => ({
    status: engine.stopping ? 'stopping' : 'ok',
    ...identity(),
  }));

  app.get(
    '/v1/status',
    documented('Models, cameras, memory, last errors'),
    async (): Promise<EngineStatus> => {
      return {
        ...identity(),
        instance: engine.instance,
        pid: process.pid,
        uptimeMs: Math.round(process.uptime() * 1000),
        leases: engine.lifetime.leases,
        ...engine.status(),
        memory: { rssBytes: process.memoryUsage.rss(), modelLimitBytes },
      };
    },
  );

  app.get('/', async (_request, reply) => reply.headers(statusPage.headers).send(statusPage.html));

  app.get('/v1/lease', async (_request, reply) => {
    const release = engine.lifetime.lease();
    reply.header('content-type', eventStreamType);
    await writeResponse(
      reply,
      async (write, gone) => {
        await write(`${JSON.stringify({ type: 'lease', instance: engine.instance, ...identity() })}\n`);
        if (gone.aborted) return;
        let stopListening = (): void => {};
        await new Promise<void>((resolve) => {
          gone.addEventListener('abort', () => resolve(), { once: true });
          stopListening = engine.onStop(resolve);
        });
        stopListening();
      },
      '\n',
    ).finally(release);
    return reply;
  });
}

function documented(summary: string): { readonly schema: object } {
  return { schema: { summary } satisfies RouteDocumentation };
}
