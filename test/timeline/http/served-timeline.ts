import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import fastify from 'fastify';
import type { NodeAPI } from 'node-red';
import { nodePath, registerTimelinePage } from '../../../src/node-red/timeline/timeline-page';
import { registerBearerToken } from '../../../src/server/http/bearer-token';
import { registerErrors } from '../../../src/server/http/server-errors';
import { registerTimeline } from '../../../src/server/routes/timeline-routes';
import type { Timeline } from '../../../src/timeline/http/timeline';

export const token = 'a-token-of-16-characters';

/** A server with the page and its API, whose callers must send the token. */
export interface ServedTimeline {
  /** Of the page; ends with a slash. */
  readonly url: string;
  close(): Promise<void>;
}

export type ServeTimeline = (timeline: Timeline) => Promise<ServedTimeline>;

/** As the engine serves it. */
export const serveByEngine: ServeTimeline = async (timeline) => {
  const app = fastify({ forceCloseConnections: true });
  registerErrors(app);
  registerBearerToken(app, token);
  registerTimeline(app, timeline, true);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url: `${url}/timeline/`, close: () => app.close() };
};

export interface NodeRedAccess {
  readonly settings: object;
  /** Root of the editor's address. */
  readonly adminRoot?: string;
}

/** As Node-RED serves it to the editor's users. */
export const serveByNodeRed: ServeTimeline = (timeline) =>
  serveWithSettings([timeline], { settings: { adminAuth: {} } }, 'smolvlm-timeline/');

/** As Node-RED serves it to users of its flows. */
export const serveByFlows: ServeTimeline = (timeline) =>
  serveWithSettings(
    [timeline],
    { settings: { adminAuth: {}, httpNodeAuth: {}, httpNodeRoot: '/' } },
    `${nodePath}/`,
  );

/** Node-RED's two Express applications, with a permission check and a login of flows that both need the token where their setting is truthy, as in Node-RED. */
export async function serveWithSettings(
  timelines: readonly Timeline[],
  { settings, adminRoot = '/' }: NodeRedAccess,
  page: string,
): Promise<ServedTimeline> {
  const hasToken: RequestHandler = ({ headers }, response, next) => {
    if (headers.authorization === `Bearer ${token}`) next();
    else response.status(401).end();
  };
  const app = express();
  const httpAdmin = express();
  const httpNode = express();
  httpAdmin.use(express.json());
  app.use(adminRoot, httpAdmin);
  const { adminAuth, httpNodeAuth } = settings as {
    readonly adminAuth?: unknown;
    readonly httpNodeAuth?: unknown;
  };
  if (httpNodeAuth) app.use(hasToken);
  app.use(httpNode);
  const needsPermission = (): RequestHandler =>
    adminAuth ? hasToken : (_request, _response, next) => next();
  registerTimelinePage(
    { settings, httpAdmin, httpNode, auth: { needsPermission } } as unknown as NodeAPI,
    () => timelines,
  );
  const server = createServer(app);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${page}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
