import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine';
import { SmolvlmError } from '../../errors';
import { isFinal } from '../../protocol/ndjson';
import { defined } from '../../system/defined';
import { LiveTimelines } from '../../timeline/http/live-clients';
import { type AskPicture, storedQuestion, type Timeline } from '../../timeline/http/timeline';
import { timelineRoutes } from '../../timeline/http/timeline-routes';

/** The captions page at `/timeline/`, and its API. The page itself needs no token and asks for it. */
export function registerTimeline(app: FastifyInstance, timeline: Timeline, needsToken: boolean): void {
  const routes = timelineRoutes({
    timelines: () => [timeline],
    authentication: () => (needsToken ? 'token' : 'none'),
    live: new LiveTimelines(),
  });
  for (const { method, path, access, acceptsPassword = false, answer } of routes) {
    for (const url of path === '' ? ['/timeline', '/timeline/'] : [`/timeline/${path}`]) {
      app.route<{ Params: Readonly<Record<string, string>> }>({
        method,
        url,
        config: { isPublic: access === 'public', acceptsPassword },
        handler: async ({ raw: request, params, body }, reply) => {
          reply.hijack();
          await answer({ request, response: reply.raw, params, body });
        },
      });
    }
  }
}

/** Asks this process's own engine. @param model default: the engine's */
export function askEngine(engine: Engine, model?: string): AskPicture {
  return async (question, picture, { onEvent, signal }) => {
    const id = `timeline-${randomUUID()}`;
    try {
      signal.throwIfAborted();
      const stream = engine.submit(
        { id, ...storedQuestion(question), ...defined({ model }) },
        [picture],
        'cancel',
      );
      signal.addEventListener('abort', () => stream.leave(), { once: true });
      for await (const event of stream) {
        if (!isFinal(event)) onEvent(event);
        else if (event.type !== 'features') return event;
      }
      throw new SmolvlmError('engine-stopping', 'the engine stopped before the answer');
    } catch (error) {
      return { type: 'error', id, error: SmolvlmError.from(error).toJSON() };
    }
  };
}
