import { peerGone } from '../../http/event-response';
import { answerChoices } from '../answer-choices';
import { completionHead, submit } from '../openai-request';
import type { OpenAiRoutes } from '../openai-routes';
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
      const head = completionHead('chatcmpl', named, routes.fingerprint);
      return await answerChoices(reply, submit(routes.engine, question, named, gone), {
        ...chat,
        places: question.places,
        whole: (results) => ({ ...head, object: 'chat.completion', choices: results.map(chatChoice) }),
        chunks: (send, index, events) => streamChatChoice(send, head, index, events),
        usageChunk: { ...head, object: 'chat.completion.chunk', choices: [] },
      });
    },
  );
}
