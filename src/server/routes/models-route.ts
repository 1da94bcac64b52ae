import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { errorBody, SmolvlmError } from '../../errors';
import { limits } from '../../protocol/limits';
import {
  type FetchEvent,
  hubId,
  type ModelInventory,
  modelsPath,
  seldom,
} from '../../protocol/models/model-cache';
import { eventStreamType } from '../../protocol/ndjson';
import { writeResponse } from '../http/event-response';
import type { RouteDocumentation } from '../http/openapi';
import type { ModelCache } from '../model-cache';

export interface ModelsOptions {
  readonly engine: Engine;
  readonly cache: ModelCache;
  /** Callers are programs of the same user, or have sent a token. */
  readonly mayChange: boolean;
}

const tags = ['models'];

const fetching: RouteDocumentation = {
  summary: 'Fetch a model from the hub into the cache; closing the connection pauses the download',
  tags,
  body: {
    type: 'object',
    required: ['model'],
    additionalProperties: false,
    properties: { model: { type: 'string', minLength: 1, maxLength: limits.modelCharacters } },
  },
  success: {
    type: eventStreamType,
    schema: {
      type: 'object',
      description: 'Lines of this form; the last one is done or error',
      required: ['type'],
      properties: {
        type: { enum: ['progress', 'done', 'error'] },
        doneBytes: { type: 'integer' },
        totalBytes: { type: 'integer' },
        error: { type: 'object' },
      },
    },
  },
};

/**
 * `GET /v1/smolvlm/models`, `POST /v1/smolvlm/models/fetch` and `DELETE /v1/smolvlm/models/NAME`: the models of the engine's
 * machine. Names are hub ids or names of the list, never paths.
 */
export function registerModelCache(app: FastifyInstance, { engine, cache, mayChange }: ModelsOptions): void {
  const checkCaller = (): void => {
    if (mayChange) return;
    throw new SmolvlmError(
      'request-unauthorized',
      'expected a token: an engine without one neither fetches nor removes models for callers on a port',
      { hint: 'Start the engine with --token-file, or run smolvlm pull and smolvlm cache on its machine.' },
    );
  };

  const listing = { summary: 'List the models in the cache, and those that can be fetched', tags };
  app.get(modelsPath, { schema: listing as object }, async (): Promise<ModelInventory> => cache.list());

  const removing = { summary: 'Remove a model or a prepared bundle from the cache', tags };
  app.delete<{ Params: { '*': string } }>(
    `${modelsPath}/*`,
    { schema: removing as object },
    async ({ params }): Promise<ModelInventory> => {
      checkCaller();
      return await cache.remove(params['*']);
    },
  );

  app.post<{ Body: { readonly model: string } }>(
    `${modelsPath}/fetch`,
    { schema: fetching as object },
    async ({ body }, reply) => {
      checkCaller();
      const id = hubId(body.model);
      const release = engine.lifetime.lease();
      reply.header('content-type', eventStreamType);
      await writeResponse(
        reply,
        async (write, gone) => {
          const send = (event: FetchEvent): Promise<void> => write(`${JSON.stringify(event)}\n`);
          const stopping = new AbortController();
          const stopListening = engine.onStop(() =>
            stopping.abort(new SmolvlmError('engine-stopping', 'the engine is stopping')),
          );
          try {
            const report = seldom((progress) => void send({ type: 'progress', ...progress }));
            await cache.fetch(id, report, AbortSignal.any([gone, stopping.signal]));
            await send({ type: 'done' });
          } catch (error) {
            await send({ type: 'error', error: errorBody(error) });
          } finally {
            stopListening();
          }
        },
        '\n',
      ).finally(release);
      return reply;
    },
  );
}
