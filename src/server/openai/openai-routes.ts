import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Engine } from '../../engine/engine';
import type { EventStream } from '../../engine/event-stream';
import { type ErrorBody, SmolvlmError } from '../../errors';
import type { CaptionResult, FinalEvent } from '../../protocol/events';
import { isFinal } from '../../protocol/ndjson';
import { type ChatCompletionRequest, chatCompletionSchema } from '../../protocol/openai';
import { fetchPicture } from '../fetch-picture';
import { leaveWhenGone, peerGone, writeResponse } from '../http/event-response';
import { httpStatus, schemaError, toErrorBody } from '../http/server-errors';
import { fromChatCompletion } from './openai-request';

export interface OpenAiOptions {
  readonly engine: Engine;
  /** Listed by `/v1/models` with the loaded ones. */
  readonly defaultModel?: string;
  /** Fetch pictures by http(s) address; off by default, because any caller could make the engine fetch any address. */
  readonly allowImageUrls?: boolean;
}

/** `POST /v1/chat/completions` and `GET /v1/models`, for programs that use OpenAI's API. */
export function registerOpenAi(app: FastifyInstance, options: OpenAiOptions): void {
  const { engine, defaultModel } = options;

  app.get('/v1/models', async () => {
    const loaded = engine.status().models.map(({ model }) => model);
    const ids = new Set(defaultModel === undefined ? loaded : [defaultModel, ...loaded]);
    const data = [...ids].map((id) => ({ id, object: 'model', created: 0, owned_by: basename(id) }));
    return { object: 'list', data };
  });

  app.post<{ Body: unknown }>(
    '/v1/chat/completions',
    { errorHandler: sendOpenAiError },
    async (http, reply) => {
      const validate = http.compileValidationSchema(chatCompletionSchema);
      if (!validate(http.body)) throw schemaError('request', validate.errors ?? []);
      const chat = http.body as ChatCompletionRequest;
      const id = `chatcmpl-${randomUUID()}`;
      const gone = peerGone(reply);
      const fetchImage = (url: URL) => fetchPicture(url, gone);
      const { request, pictures } = await fromChatCompletion(
        id,
        chat,
        options.allowImageUrls === true ? fetchImage : undefined,
      );
      const head = { id, created: Math.floor(Date.now() / 1000), model: chat.model ?? defaultModel ?? '' };
      const stream = engine.submit(request, pictures, 'cancel');
      if (chat.stream === true) {
        await streamCompletion(reply, stream, head, chat.stream_options?.include_usage === true);
        return reply;
      }
      leaveWhenGone(stream, gone);
      return completion(head, resultOf(await finalOf(stream)));
    },
  );
}

interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

async function finalOf(stream: EventStream): Promise<FinalEvent | undefined> {
  let final: FinalEvent | undefined;
  for await (const event of stream) if (isFinal(event)) final = event;
  return final;
}

/** @throws SmolvlmError when the request ended in anything but a result */
function resultOf(final: FinalEvent | undefined): CaptionResult {
  if (final?.type === 'result') return final.result;
  if (final?.type === 'error') throw SmolvlmError.from(final.error);
  if (final?.type === 'dropped') throw new SmolvlmError(`engine-dropped-${final.reason}`, final.message);
  throw new SmolvlmError('engine-stopping', 'the engine stopped before the answer', {
    hint: 'Send the request again.',
  });
}

function usage({ promptTokens, tokenIds }: CaptionResult) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: tokenIds.length,
    total_tokens: promptTokens + tokenIds.length,
  };
}

function finishReason(result: CaptionResult): 'stop' | 'length' {
  return result.finishReason === 'length' ? 'length' : 'stop';
}

function completion(head: Head, result: CaptionResult) {
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: result.text },
        logprobs: null,
        finish_reason: finishReason(result),
      },
    ],
    usage: usage(result),
  };
}

async function streamCompletion(
  reply: FastifyReply,
  stream: EventStream,
  head: Head,
  includeUsage: boolean,
): Promise<void> {
  const chunk = (delta: object, finish: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-cache');
  await writeResponse(
    reply,
    async (write, gone) => {
      leaveWhenGone(stream, gone);
      const send = (data: object) => write(`data: ${JSON.stringify(data)}\n\n`);
      await send(chunk({ role: 'assistant', content: '' }));
      let sent = '';
      let final: FinalEvent | undefined;
      for await (const event of stream) {
        if (isFinal(event)) final = event;
        if (event.type !== 'token') continue;
        sent += event.text;
        await send(chunk({ content: event.text }));
      }
      try {
        const result = resultOf(final);
        // An answer that is not generated token by token is sent as one piece.
        if (sent === '' && result.text !== '') await send(chunk({ content: result.text }));
        await send(chunk({}, finishReason(result)));
        if (includeUsage) await send({ ...chunk({}), choices: [], usage: usage(result) });
      } catch (error) {
        await send(openAiError(toErrorBody(error)));
      }
      await write('data: [DONE]\n\n');
    },
    ': waiting\n\n',
  );
}

function openAiError(error: ErrorBody) {
  const status = httpStatus(error);
  const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  const type =
    status === 401 ? 'authentication_error' : status < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { message, type, param: null, code: error.code } };
}

async function sendOpenAiError(thrown: unknown, _request: unknown, reply: FastifyReply): Promise<void> {
  const error = toErrorBody(thrown);
  await reply.code(httpStatus(error)).send(openAiError(error));
}
