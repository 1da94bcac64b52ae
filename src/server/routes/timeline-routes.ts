import type { FastifyInstance } from 'fastify';
import { LiveTimelines } from '../../timeline/http/live-clients';
import type { Timeline } from '../../timeline/http/timeline';
import { timelineRoutes } from '../../timeline/http/timeline-routes';

/** The captions page at `/timeline/`, and its API. The page itself needs no token and asks for it. */
export function registerTimeline(app: FastifyInstance, timeline: Timeline, needsToken: boolean): void {
  const routes = timelineRoutes({
    timelines: () => [timeline],
    authentication: () => (needsToken ? 'token' : 'none'),
    live: new LiveTimelines(),
  });
  for (const { method, path, access, answer } of routes) {
    for (const url of path === '' ? ['/timeline', '/timeline/'] : [`/timeline/${path}`]) {
      app.route<{ Params: Readonly<Record<string, string>> }>({
        method,
        url,
        config: { isPublic: access === 'public' },
        handler: async ({ raw: request, params, body }, reply) => {
          reply.hijack();
          await answer({ request, response: reply.raw, params, body });
        },
      });
    }
  }
}
