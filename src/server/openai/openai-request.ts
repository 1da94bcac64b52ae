import { randomUUID } from 'node:crypto';
import type { Engine } from '../../engine/engine';
import type { EventStream } from '../../engine/event-stream';
import { SmolvlmError } from '../../errors';
import type { DescribeRequest } from '../../protocol/describe-request';
import type { CaptionResult, FinalEvent } from '../../protocol/events';
import { isFinal } from '../../protocol/ndjson';
import { defined } from '../../system/defined';
import { leaveWhenGone } from '../http/event-response';
import type { NamedModel } from '../model-catalog';
import { waitingRequests } from './openai-errors';

/** A request of OpenAI's API, translated. */
export interface Question {
  readonly request: Omit<DescribeRequest, 'id'>;
  readonly pictures: readonly Uint8Array[];
  /** Of the field that holds each picture. */
  readonly places: readonly string[];
  /** Answers to write. */
  readonly choices: number;
}

/** What all chunks of a completion say. */
export interface CompletionHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

/** @param prefix of the completion's id */
export function completionHead(
  prefix: string,
  { id: model }: NamedModel,
  fingerprint: string,
): CompletionHead {
  const created = Math.floor(Date.now() / 1000);
  return { id: `${prefix}-${randomUUID()}`, created, model, system_fingerprint: fingerprint };
}

/**
 * Submits a question, once for each answer it asks for. Requests wait in the queue of the camera "openai".
 * @param id of the response
 * @returns a stream for each answer
 * @throws SmolvlmError `engine-stopping`
 */
export function submit(
  engine: Engine,
  { request, pictures, choices }: Question,
  { model }: NamedModel,
  gone: AbortSignal,
): EventStream[] {
  const group = randomUUID();
  return Array.from({ length: choices }, (_, index) => {
    const { seed } = request;
    const stream = engine.submit(
      {
        id: `openai-${group}-${index}`,
        camera: 'openai',
        queue: { policy: 'reject', capacity: waitingRequests },
        ...request,
        ...defined({ model, seed: seed === undefined ? undefined : seed + index }),
      },
      pictures,
      'cancel',
    );
    leaveWhenGone(stream, gone);
    return stream;
  });
}

/** @throws SmolvlmError when a request ended in anything but a result */
export async function resultOf(stream: AsyncIterable<{ readonly type: string }>): Promise<CaptionResult> {
  let final: FinalEvent | undefined;
  for await (const event of stream as EventStream) if (isFinal(event)) final = event;
  return finalResult(final);
}

/** @throws SmolvlmError when the request ended in anything but a result */
export function finalResult(final: FinalEvent | undefined): CaptionResult {
  if (final?.type === 'result') return final.result;
  if (final?.type === 'error') throw SmolvlmError.from(final.error);
  if (final?.type === 'dropped') throw new SmolvlmError(`engine-dropped-${final.reason}`, final.message);
  throw new SmolvlmError('engine-stopping', 'the engine stopped before the answer', {
    hint: 'Send the request again.',
  });
}

/** JSON that is kept to a schema is whole, even where it ends at the last token. */
export function finishReason(result: CaptionResult): 'stop' | 'length' {
  return result.finishReason === 'length' && result.json === undefined ? 'length' : 'stop';
}

/** Token counts of all answers to one prompt. */
export function tokenCounts(results: readonly CaptionResult[]): {
  readonly prompt: number;
  readonly answer: number;
} {
  return {
    prompt: results[0]?.promptTokens ?? 0,
    answer: results.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0),
  };
}

/** Usage in the form of completions. */
export function usage(results: readonly CaptionResult[]) {
  const { prompt, answer } = tokenCounts(results);
  return { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer };
}

/** Times in the form of llama.cpp's server. */
export function timings(results: readonly CaptionResult[]) {
  const { prompt, answer } = tokenCounts(results);
  const sum = (part: 'image' | 'vision' | 'prefill' | 'decode'): number =>
    results.reduce((all, { timingsMs }) => all + timingsMs[part], 0);
  const promptMs = sum('image') + sum('vision') + sum('prefill');
  const decodeMs = sum('decode');
  const rate = (tokens: number, ms: number): number => (ms > 0 ? (1000 * tokens) / ms : 0);
  return {
    prompt_n: prompt,
    prompt_ms: promptMs,
    prompt_per_second: rate(prompt, promptMs),
    predicted_n: answer,
    predicted_ms: decodeMs,
    predicted_per_second: rate(answer, decodeMs),
  };
}
