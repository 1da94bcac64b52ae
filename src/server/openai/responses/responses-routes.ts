import { randomUUID } from 'node:crypto';
import type { EventStream } from '../../../engine/event-stream';
import { peerGone } from '../../http/event-response';
import { atPicture } from '../openai-errors';
import { resultOf, submit } from '../openai-request';
import type { OpenAiRoutes } from '../openai-routes';
import { beginning, sendServerEvents } from '../server-sent-events';
import { answeredResponse, streamResponse } from './responses-answer';
import { fromResponses } from './responses-request';
import { type ResponsesRequest, responsesSchema } from './responses-schema';

/** `POST /v1/responses`; nothing is stored. */
export function registerResponses(routes: OpenAiRoutes): void {
  routes.post<ResponsesRequest>(
    '/responses',
    { body: responsesSchema, summary: 'Answer text and pictures, as a response object', streams: true },
    async ({ body }, reply) => {
      const gone = peerGone(reply);
      const named = await routes.models.find(body.model);
      const question = await fromResponses(body, routes.fetchPicture(gone));
      const head = {
        id: `resp_${hexId()}`,
        messageId: `msg_${hexId()}`,
        createdAt: Math.floor(Date.now() / 1000),
        model: named.id,
        request: body,
      };
      const [stream] = submit(routes.engine, question, named, gone) as [EventStream];
      const placed = (error: unknown): never => {
        throw atPicture(error, question.places);
      };
      if (body.stream !== true) return answeredResponse(head, await resultOf(stream).catch(placed));
      const events = await beginning(stream).catch(placed);
      await sendServerEvents(reply, (send) => streamResponse(send, head, events));
      return reply;
    },
  );
}

function hexId(): string {
  return randomUUID().replaceAll('-', '');
}
