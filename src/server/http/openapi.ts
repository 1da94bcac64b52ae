import type { FastifyInstance, HTTPMethods, RouteOptions } from 'fastify';
import { instanceHeader } from '../../protocol/engine-status';

/** What a route says about itself; the schemas are the ones that check its requests. */
export interface RouteDocumentation {
  readonly summary: string;
  readonly tags?: readonly string[];
  /** A second address of a route is not listed. */
  readonly hide?: boolean;
  readonly params?: object;
  readonly querystring?: object;
  readonly body?: object;
  /** In place of `body`, where that is not JSON. */
  readonly requestBody?: object;
  /** A success may be an event stream. */
  readonly streams?: boolean;
  /** Media type and schema of a success; default: a JSON object. */
  readonly success?: { readonly type: string; readonly schema: object };
}

interface Options {
  readonly version: string;
  readonly needsToken: boolean;
}

interface Schema {
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

/** `GET /openapi.json`: the document of all routes that are registered after this one. */
export function registerOpenApi(app: FastifyInstance, { version, needsToken }: Options): void {
  const paths: Record<string, Record<string, object>> = {};
  app.addHook('onRoute', (route) => {
    const documentation = route.schema as RouteDocumentation | undefined;
    if (documentation?.summary === undefined || documentation.hide) return;
    const path = route.url.replace(/:(\w+)/g, '{$1}').replace('*', '{id}');
    for (const method of methodsOf(route)) {
      paths[path] = { ...paths[path], [method]: operation(documentation, path) };
    }
  });
  app.get('/openapi.json', async () => ({
    openapi: '3.1.0',
    info: { title: 'smolvlm engine', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    ...(needsToken && { security: [{ bearer: [] }, { key: [] }] }),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
      schemas: { Error: errorSchema },
    },
  }));
}

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: { code: { type: 'string' }, message: { type: 'string' } },
    },
  },
} as const;

const jsonObject = { type: 'application/json', schema: { type: 'object' } } as const;

/** HEAD requests are answered as GET ones are, without a body. */
function methodsOf({ method }: RouteOptions): string[] {
  const methods: readonly HTTPMethods[] = [method].flat();
  return methods.filter((each) => each !== 'HEAD').map((each) => each.toLowerCase());
}

function operation(route: RouteDocumentation, path: string): object {
  const { summary, tags = ['engine'], params, querystring, body, streams, success = jsonObject } = route;
  const requestBody =
    route.requestBody ?? (body && { required: true, content: { 'application/json': { schema: body } } });
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: (params as Schema | undefined)?.properties?.[name] ?? { type: 'string', minLength: 1 },
  }));
  const failure = {
    description: 'What is wrong, and what to do',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
  return {
    summary,
    tags,
    parameters: [...named, ...queryParameters(querystring)],
    ...(requestBody && { requestBody }),
    ...(path === '/health' && { security: [] }),
    responses: {
      '200': {
        description: 'Success',
        headers: {
          [instanceHeader]: { description: 'Identifies the run of the engine', schema: { type: 'string' } },
        },
        content: {
          [success.type]: { schema: success.schema },
          ...(streams && { 'text/event-stream': {} }),
        },
      },
      '4XX': failure,
      '5XX': failure,
    },
  };
}

function queryParameters(querystring: Schema | undefined): object[] {
  return Object.entries(querystring?.properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: querystring?.required?.includes(name) ?? false,
    schema,
  }));
}
