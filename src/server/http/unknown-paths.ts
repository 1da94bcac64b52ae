import type { FastifyInstance } from 'fastify';
import { shownAddress } from '../../system/shown-address';

/** Refuses requests that no route answers, of the routes that are registered after this. */
export function registerUnknownPaths(app: FastifyInstance): void {
  const methods = routeMethods(app);
  // Not in the handler of unknown paths: fastify checks bodies before that.
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    const allowed = methods(request.url.split('?')[0] ?? '');
    if (allowed.length > 0) reply.header('allow', allowed.join(', '));
    const error = {
      code: 'request-unknown-path',
      message: `there is no ${request.method} ${shownAddress(request.url)}`,
      // As OpenAI's API has them.
      type: 'invalid_request_error',
      param: null,
    };
    await reply.code(allowed.length > 0 ? 405 : 404).send({ error });
  });
}

/** @returns the methods of the route at a path */
function routeMethods(app: FastifyInstance): (path: string) => string[] {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+').replace('*', '.+');
    routes.push({ path: new RegExp(`^${pattern}$`), methods: [method].flat() });
  });
  return (path) => [
    ...new Set(routes.filter((route) => route.path.test(path)).flatMap((route) => route.methods)),
  ];
}
