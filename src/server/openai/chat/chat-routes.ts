import { randomUUID } from 'node:crypto';
import { peerGone } from '../../http/event-response';
import { openAiError } from '../openai-errors';
import { resultOf, submit, timings, usage } from '../openai-request';
import type { OpenAiRoutes } from '../openai-routes';
import { beginning, sendServerEvents } from '../server-sent-events';
import { chatChoice, streamChatChoice } from './chat-answer';
import { fromChatCompletion } from './chat-request';
import { type ChatCompletionRequest, chatCompletionSchema } from './chat-schema';

/** `POST /v1/chat/completions`. */
export function registerChat(routes: OpenAiRoutes): void {
  routes.post<ChatCompletionRequest>(
    '/chat/completions',
    { body: chatCompletionSchema, summary: 'Answer a conversation, with or without pictures', streams: true },
    async (http, reply) => {
      const { body: chat } = http;
      const gone = peerGone(reply);
      const named = await routes.models.find(chat.model);
      const question = await fromChatCompletion(chat, routes.fetchPicture(gone));
      const head = {
        id: `chatcmpl-${randomUUID()}`,
        created: Math.floor(Date.now() / 1000),
        model: named.id,
        system_fingerprint: routes.fingerprint,
      };
      const streams = submit(routes.engine, question, named, gone);
      if (chat.stream !== true) {
        const results = await Promise.all(streams.map(resultOf));
        return {
          ...head,
          object: 'chat.completion',
          choices: results.map(chatChoice),
          usage: usage(results),
          timings: timings(results),
        };
      }
      const begun = await Promise.all(streams.map(beginning));
      await sendServerEvents(reply, async (send) => {
        try {
          const results = await Promise.all(
            begun.map((events, index) => streamChatChoice(send, head, index, events)),
          );
          if (chat.stream_options?.include_usage === true) {
            await send({
              ...head,
              object: 'chat.completion.chunk',
              choices: [],
              usage: usage(results),
              timings: timings(results),
            });
          }
        } catch (error) {
          await send(openAiError(error));
        }
        await send('[DONE]');
      });
      return reply;
    },
  );
}
