import type { FastifyReply } from 'fastify';
import type { EventStream } from '../../engine/event-stream';
import type { EngineEvent } from '../../protocol/events';
import { heartbeatMs, isFinal } from '../../protocol/ndjson';
import { writeResponse } from '../http/event-response';
import { finalResult } from './openai-request';

/** Sends one event. @param data its JSON @param name `event:` of the event; absent: none */
export type SendEvent = (data: object | string, name?: string) => Promise<void>;

/** A response of media type `text/event-stream`, with comments as a heartbeat. */
export async function sendServerEvents(
  reply: FastifyReply,
  body: (send: SendEvent) => Promise<void>,
): Promise<void> {
  reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-cache');
  await writeResponse(
    reply,
    async (write) => {
      await body((data, name) => {
        const text = typeof data === 'string' ? data : JSON.stringify(data);
        return write(`${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`);
      });
    },
    ': waiting\n\n',
  );
}

/**
 * Waits for the first token or the end of a request, so that a refusal has its own HTTP status. After some seconds the
 * response begins anyway: clients and proxies give up on a silent server.
 * @returns the request's events from there on
 * @throws SmolvlmError when the request has failed by then
 */
export async function beginning(stream: EventStream): Promise<AsyncIterable<EngineEvent>> {
  const events = stream[Symbol.asyncIterator]();
  const first = firstAnswer(events);
  let timer: NodeJS.Timeout | undefined;
  const heartbeat = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), heartbeatMs);
  });
  const event = await Promise.race([first, heartbeat]);
  clearTimeout(timer);
  if (event && isFinal(event)) finalResult(event);
  return (async function* () {
    const begun = await first;
    if (begun) yield begun;
    for (let next = await events.next(); next.done !== true; next = await events.next()) yield next.value;
  })();
}

/** The first token or the final event; undefined when the stream ends before. */
async function firstAnswer(events: AsyncIterator<EngineEvent>): Promise<EngineEvent | undefined> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) return undefined;
    if (value.type === 'token' || isFinal(value)) return value;
  }
}
