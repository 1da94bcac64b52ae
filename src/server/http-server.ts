import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { instanceHeader } from '../protocol/engine-status';
import { limits } from '../protocol/limits';
import type { Timeline } from '../timeline/http/timeline';
import type { AccessToken } from './http/access-tokens';
import { registerBearerToken } from './http/bearer-token';
import { type BodyBudget, registerBodyBudget } from './http/bodies/body-budget';
import { registerCompressedBodies } from './http/bodies/compressed-bodies';
import { registerUnreadBodies } from './http/bodies/unread-bodies';
import { registerCors } from './http/cors';
import { registerLocalCallers } from './http/local-callers';
import { refusal, refuseMalformed } from './http/malformed-requests';
import { registerOpenApi } from './http/openapi';
import { registerRequestLog } from './http/request-log';
import { lazyValidation } from './http/request-validation';
import { registerErrors } from './http/server-errors';
import { registerUnknownPaths } from './http/unknown-paths';
import type { ModelCache } from './model-cache';
import { type OpenAiOptions, registerOpenAi } from './openai/openai-routes';
import { registerDescribe } from './routes/describe-route';
import { type DoctorOptions, registerDoctor } from './routes/doctor-route';
import { registerDrain } from './routes/drain-route';
import { type LazyMetrics, registerMetrics } from './routes/metrics-route';
import { registerModelCache } from './routes/models-route';
import { registerStatus, type StatusOptions } from './routes/status-routes';
import { registerTimeline } from './routes/timeline-routes';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface HttpServerOptions extends StatusOptions, DoctorOptions, OpenAiOptions {
  readonly metrics: LazyMetrics;
  /** When given, every caller must send it. */
  readonly token?: string | readonly AccessToken[];
  /** Certificate and key, PEM: the server speaks https. */
  readonly tls?: TlsFiles;
  /** Refuses requests that web pages send through a browser on this machine. */
  readonly localCallersOnly?: boolean;
  /** Memory of all bodies, shared by all sockets. */
  readonly bodies?: BodyBudget;
  /** Time in which a request must have arrived, its body included. */
  readonly receiveTimeoutMs?: number;
  /** When given, it receives a line for each request. */
  readonly requestLog?: (line: string) => void;
  /** When given, its page is at `/timeline/`. */
  readonly timeline?: Timeline;
  /** When given, clients may list this machine's models, and fetch and remove them unless only local clients are served. */
  readonly modelCache?: ModelCache;
  /** When given, clients may end the engine. */
  readonly onDrain?: () => void;
  /** Origins of pages that may use the engine from a browser; `*` for all. */
  readonly corsOrigins?: readonly string[];
}

/** The engine's HTTP server, not listening yet: the same routes on a unix socket and on TCP. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    // For the request's own bytes; the responses of leases and waiting requests may last for hours.
    requestTimeout: options.receiveTimeoutMs ?? 120_000,
    forceCloseConnections: true,
    ...(options.tls && ({ https: options.tls } as object)),
    clientErrorHandler: refuseMalformed,
    // An address that is not valid, e.g. `/%zz`.
    frameworkErrors: (error, _request, reply: FastifyReply) => void reply.code(400).send(refusal(error)),
    routerOptions: { maxParamLength: 4 * limits.keyCharacters },
    schemaController: lazyValidation,
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: false,
        useDefaults: false,
        allowUnionTypes: true,
        // Routes' schemas are the package's own and tested: compiling the schema of schemas would delay the first request.
        validateSchema: false,
        // Faults hold the value, so that errors can say what was received.
        verbose: true,
      },
    },
  });
  // A text is not JSON, whatever it contains.
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (_request, reply) => {
    reply.header(instanceHeader, options.engine.instance);
  });
  if (options.requestLog) registerRequestLog(app, options.requestLog);
  registerErrors(app);
  registerUnreadBodies(app);
  const { corsOrigins = [] } = options;
  if (corsOrigins.length > 0) registerCors(app, corsOrigins);
  if (options.token !== undefined) registerBearerToken(app, options.token);
  if (options.localCallersOnly) registerLocalCallers(app, corsOrigins);
  registerCompressedBodies(app);
  if (options.bodies) registerBodyBudget(app, options.bodies);
  registerUnknownPaths(app);
  registerOpenApi(app, { version: options.version, needsToken: options.token !== undefined });
  registerDescribe(app, options);
  registerStatus(app, options);
  registerDoctor(app, options);
  registerMetrics(app, options.metrics);
  registerOpenAi(app, options);
  if (options.modelCache) {
    const mayChange = options.localCallersOnly !== true;
    registerModelCache(app, { engine: options.engine, cache: options.modelCache, mayChange });
  }
  if (options.timeline) registerTimeline(app, options.timeline, options.token !== undefined);
  if (options.onDrain) registerDrain(app, options.onDrain);
  return app;
}
