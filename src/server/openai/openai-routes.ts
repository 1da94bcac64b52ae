import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Engine } from '../../engine/engine';
import { packageVersion } from '../../package-version';
import type { ResolveHost } from '../../picture/camera/camera-access';
import { fetchClientPicture } from '../fetch-client-picture';
import type { RouteDocumentation } from '../http/openapi';
import type { ModelCatalog } from '../model-catalog';
import { registerChat } from './chat/chat-routes';
import { registerCompletions } from './completion-routes';
import type { FetchPicture } from './image-url';
import { registerModels } from './model-routes';
import { fieldError, sendOpenAiError } from './openai-errors';
import { registerResponses } from './responses/responses-routes';

export interface OpenAiOptions {
  readonly engine: Engine;
  readonly models: ModelCatalog;
  /** Hosts from which pictures are fetched by http(s) address; absent: none are, because clients could probe the network. */
  readonly imageHosts?: ResolveHost;
}

/** Registers routes of OpenAI's API: each under `/v1` and without, with errors in OpenAI's form. */
export class OpenAiRoutes {
  readonly engine: Engine;
  readonly models: ModelCatalog;
  /** Changes when answers to the same request may change. */
  readonly fingerprint = `build-${packageVersion()}`;
  readonly #app: FastifyInstance;
  readonly #imageHosts: ResolveHost | undefined;

  constructor(app: FastifyInstance, { engine, models, imageHosts }: OpenAiOptions) {
    this.#app = app;
    this.engine = engine;
    this.models = models;
    this.#imageHosts = imageHosts;
  }

  /** @returns undefined when pictures by address are refused @param gone aborted when the client disconnects */
  fetchPicture(gone: AbortSignal): FetchPicture | undefined {
    const hosts = this.#imageHosts;
    return hosts && ((url) => fetchClientPicture(url, hosts, gone));
  }

  post<Body>(
    path: string,
    schema: RouteDocumentation,
    answer: (request: FastifyRequest<{ Body: Body }>, reply: FastifyReply) => Promise<unknown>,
  ): void {
    for (const prefix of ['/v1', '']) {
      this.#app.post<{ Body: Body }>(
        `${prefix}${path}`,
        { ...openAiForm, schema: documented(schema, prefix) },
        answer,
      );
    }
  }

  get(
    path: string,
    summary: string,
    answer: (request: FastifyRequest<{ Params: { '*'?: string } }>) => Promise<unknown>,
  ): void {
    for (const prefix of ['/v1', '']) {
      this.#app.get<{ Params: { '*'?: string } }>(
        `${prefix}${path}`,
        { ...openAiForm, schema: documented({ summary }, prefix) },
        answer,
      );
    }
  }
}

/** Only the addresses under `/v1` are listed. */
function documented(schema: RouteDocumentation, prefix: string): object {
  return { ...schema, tags: ['openai'], hide: prefix === '' } satisfies RouteDocumentation;
}

const openAiForm = {
  errorHandler: sendOpenAiError,
  schemaErrorFormatter: fieldError as never,
};

/** OpenAI's API: chat completions, completions, responses and models. */
export function registerOpenAi(app: FastifyInstance, options: OpenAiOptions): void {
  const routes = new OpenAiRoutes(app, options);
  registerChat(routes);
  registerCompletions(routes);
  registerResponses(routes);
  registerModels(routes);
}
