import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import type { EngineApi } from '../../client/engine-api';
import { LiveTimelines } from '../../timeline/http/live-clients';
import { type AskPicture, storedQuestion, type Timeline } from '../../timeline/http/timeline';
import type { Authentication } from '../../timeline/http/timeline-api';
import { type TimelineRoute, timelineRoutes } from '../../timeline/http/timeline-routes';

/** Below the editor's address, for its users. */
export const adminPath = 'smolvlm-timeline';
/** Below the address of flows, for users of `httpNodeAuth`. */
export const nodePath = 'smolvlm-captions';

/** Settings of Node-RED that say how its two addresses are protected. */
interface AccessSettings {
  readonly adminAuth?: unknown;
  readonly httpNodeAuth?: unknown;
  readonly httpAdminRoot?: string | false;
  readonly httpNodeRoot?: string | false;
}

interface ExpressRequest extends IncomingMessage {
  readonly params: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly originalUrl: string;
}

/**
 * Serves the captions page and its API below the editor's address, where a caller needs the permission
 * `smolvlm-timeline.read` or `.write`, and, if flows have a password (`httpNodeAuth`), below theirs as well. If only
 * flows have one, the page is there alone, so that nothing is readable without it.
 * @param timelines those that are deployed
 */
export function registerTimelinePage(RED: NodeAPI, timelines: () => readonly Timeline[]): void {
  const settings = RED.settings as AccessSettings;
  // As Node-RED reads them: null, false and an empty text mean no login.
  const hasNodeLogin = Boolean(settings.httpNodeAuth) && settings.httpNodeRoot !== false;
  const isAdminOpen = !settings.adminAuth;
  const live = new LiveTimelines();
  const routes = (authentication: Authentication): readonly TimelineRoute[] =>
    timelineRoutes({ timelines, live, authentication: () => authentication });

  for (const route of routes(isAdminOpen ? 'none' : 'node-red')) {
    const address = addressOf(adminPath, route);
    if (isAdminOpen && hasNodeLogin) add(RED.httpAdmin, route, address, [], moved(route, settings));
    else {
      const permission = `smolvlm-timeline.${route.access}`;
      const guard = route.access === 'public' ? [] : [RED.auth.needsPermission(permission)];
      add(RED.httpAdmin, route, address, guard);
    }
  }
  if (!hasNodeLogin) return;
  for (const route of routes('basic')) add(RED.httpNode, route, addressOf(nodePath, route), []);
}

/** Asks the engine of a node. @param defaults of the engine's dialog, e.g. its model */
export function askEngineNode(engine: EngineApi, defaults: object = {}): AskPicture {
  return (question, picture, options) =>
    engine.describe({ ...defaults, ...storedQuestion(question) }, [picture], options);
}

type Handler = (request: ExpressRequest, response: ServerResponse) => void;

function add(
  app: NodeAPI['httpAdmin'],
  route: TimelineRoute,
  address: string,
  guard: readonly ReturnType<NodeAPI['auth']['needsPermission']>[],
  handler: Handler = (request, response) => {
    const { params, body } = request;
    void route.answer({ request, response, params, body });
  },
): void {
  const method = route.method.toLowerCase() as 'get' | 'post' | 'delete';
  app[method](address, ...guard, handler as never);
}

function addressOf(root: string, { path }: TimelineRoute): string {
  return path === '' ? `/${root}` : `/${root}/${path}`;
}

/** Sends a reader to the page that has the password. */
function moved({ path }: TimelineRoute, { httpAdminRoot, httpNodeRoot }: AccessSettings): Handler {
  return ({ originalUrl }, response) => {
    if (path !== '') {
      const message = `the captions page is below the flows' address, at ${nodePath}/, with the flows' password`;
      response.writeHead(401, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify({ error: { code: 'request-unauthorized', message } }));
      return;
    }
    const isFolder = new URL(originalUrl, 'http://localhost').pathname.endsWith('/');
    const up = isFolder ? '../' : './';
    const location = `${up}${'../'.repeat(segments(httpAdminRoot).length)}${[...segments(httpNodeRoot), nodePath].join('/')}/`;
    response.writeHead(302, { location, 'cache-control': 'no-store' }).end();
  };
}

function segments(root: string | false = ''): readonly string[] {
  return (root || '').split('/').filter((part) => part !== '');
}
