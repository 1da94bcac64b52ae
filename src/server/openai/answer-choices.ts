import type { FastifyReply } from 'fastify';
import type { EventStream } from '../../engine/event-stream';
import type { CaptionResult, EngineEvent } from '../../protocol/events';
import { atPicture, openAiError } from './openai-errors';
import { resultOf, timings, usage } from './openai-request';
import { beginning, type SendEvent, sendServerEvents } from './server-sent-events';

/** How a completion is written. */
export interface CompletionForm {
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: { readonly include_usage?: boolean | null } | null | undefined;
  /** The whole answer, without its token counts and times. */
  readonly whole: (results: readonly CaptionResult[]) => object;
  /** Sends one choice in chunks. @returns its result @throws SmolvlmError when it ends in anything else */
  readonly chunks: (
    send: SendEvent,
    index: number,
    events: AsyncIterable<EngineEvent>,
  ) => Promise<CaptionResult>;
  /** Of the field that holds each picture. */
  readonly places?: readonly string[];
  /** The last chunk, without its token counts and times. */
  readonly usageChunk: object;
}

/**
 * Answers with all choices of a completion, whole or in chunks. If one choice fails, the others are cancelled, and the
 * error is the last thing that is sent before `[DONE]`.
 * @returns the body; the reply itself when it has been sent in chunks
 * @throws SmolvlmError when a choice has failed before the response began
 */
export async function answerChoices(
  reply: FastifyReply,
  streams: readonly EventStream[],
  form: CompletionForm,
): Promise<object> {
  const { places = [] } = form;
  if (form.stream !== true) {
    const results = await allChoices(streams, streams.map(resultOf), places);
    return { ...form.whole(results), usage: usage(results), timings: timings(results) };
  }
  const begun = await allChoices(streams, streams.map(beginning), places);
  await sendServerEvents(reply, async (send) => {
    try {
      const chunks = begun.map((events, index) => form.chunks(send, index, events));
      const results = await allChoices(streams, chunks, places);
      if (form.stream_options?.include_usage === true) {
        await send({ ...form.usageChunk, usage: usage(results), timings: timings(results) });
      }
    } catch (error) {
      await send(openAiError(error));
    }
    await send('[DONE]');
  });
  return reply;
}

/** Like `Promise.all`; after a failure it cancels the rest, and waits for it. */
async function allChoices<Result>(
  streams: readonly EventStream[],
  choices: readonly Promise<Result>[],
  places: readonly string[],
): Promise<Result[]> {
  try {
    return await Promise.all(choices);
  } catch (error) {
    for (const stream of streams) stream.leave();
    await Promise.allSettled(choices);
    throw atPicture(error, places);
  }
}
