import type { TokenLogprob } from '../../../protocol/answer-options';
import type { CaptionResult, EngineEvent, FinalEvent } from '../../../protocol/events';
import { isFinal } from '../../../protocol/ndjson';
import { openAiError } from '../openai-errors';
import { finalResult, finishReason, tokenCounts } from '../openai-request';
import type { SendEvent } from '../server-sent-events';
import type { ResponsesRequest } from './responses-schema';

/** What is known of a response before its answer. */
export interface ResponseHead {
  readonly id: string;
  readonly messageId: string;
  readonly createdAt: number;
  readonly model: string;
  readonly request: ResponsesRequest;
}

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed';

/** A `response` object. @param result absent while the answer is written, and when it has failed */
function responseObject(
  { id, messageId, createdAt, model, request }: ResponseHead,
  status: Status,
  result?: CaptionResult,
  error: object | null = null,
) {
  return {
    id,
    object: 'response',
    created_at: createdAt,
    status,
    error,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model,
    output: result ? [message(messageId, status, result.text, result.logprobs)] : [],
    parallel_tool_calls: false,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: request.temperature ?? 0,
    text: { format: request.text?.format ?? { type: 'text' } },
    tool_choice: 'none',
    tools: [],
    top_p: request.top_p ?? 1,
    truncation: 'disabled',
    usage: result ? responseUsage(result) : null,
  };
}

export function answeredResponse(head: ResponseHead, result: CaptionResult) {
  return responseObject(head, statusOf(result), result);
}

/** Sends the events of a streamed response, in OpenAI's order, the last `response.completed`, `.incomplete` or `.failed`. */
export async function streamResponse(
  sendEvent: SendEvent,
  head: ResponseHead,
  events: AsyncIterable<EngineEvent>,
): Promise<void> {
  let sequence = 0;
  const send = (type: string, data: object): Promise<void> =>
    sendEvent({ type, sequence_number: sequence++, ...data }, type);
  const at = { item_id: head.messageId, output_index: 0, content_index: 0 };
  await send('response.created', { response: responseObject(head, 'in_progress') });
  await send('response.in_progress', { response: responseObject(head, 'in_progress') });
  await send('response.output_item.added', { output_index: 0, item: message(head.messageId, 'in_progress') });
  await send('response.content_part.added', { ...at, part: outputText('') });
  let sent = '';
  let final: FinalEvent | undefined;
  const delta = async (text: string, logprobs: readonly TokenLogprob[] = []): Promise<void> => {
    sent += text;
    await send('response.output_text.delta', { ...at, delta: text, logprobs: scored(logprobs) });
  };
  for await (const event of events) {
    if (isFinal(event)) final = event;
    if (event.type === 'token') await delta(event.text, event.logprobs);
  }
  try {
    const result = finalResult(final);
    if (sent === '' && result.text !== '') await delta(result.text, result.logprobs);
    const { text, logprobs = [] } = result;
    await send('response.output_text.done', { ...at, text, logprobs: scored(logprobs) });
    await send('response.content_part.done', { ...at, part: outputText(text, logprobs) });
    const status = statusOf(result);
    const item = message(head.messageId, status, text, logprobs);
    await send('response.output_item.done', { output_index: 0, item });
    await send(`response.${status}`, { response: answeredResponse(head, result) });
  } catch (thrown) {
    const { code, message: words } = openAiError(thrown).error;
    const response = responseObject(head, 'failed', undefined, { code, message: words });
    await send('response.failed', { response });
  }
}

function statusOf(result: CaptionResult): 'completed' | 'incomplete' {
  return finishReason(result) === 'length' ? 'incomplete' : 'completed';
}

function message(id: string, status: Status, text?: string, logprobs?: readonly TokenLogprob[]) {
  const content = text === undefined ? [] : [outputText(text, logprobs)];
  return { id, type: 'message', status, role: 'assistant', content };
}

function outputText(text: string, logprobs: readonly TokenLogprob[] = []) {
  return { type: 'output_text', text, annotations: [], logprobs: scored(logprobs) };
}

function scored(tokens: readonly TokenLogprob[]) {
  return tokens.map(({ top, ...token }) => ({ ...token, top_logprobs: top }));
}

function responseUsage(result: CaptionResult) {
  const { prompt, answer } = tokenCounts([result]);
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: answer,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: prompt + answer,
  };
}
