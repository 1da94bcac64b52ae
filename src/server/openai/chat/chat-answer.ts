import type { TokenLogprob } from '../../../protocol/answer-options';
import type { CaptionResult, EngineEvent, FinalEvent } from '../../../protocol/events';
import { isFinal } from '../../../protocol/ndjson';
import { type CompletionHead, finalResult, finishReason } from '../openai-request';
import type { SendEvent } from '../server-sent-events';

/** A whole choice of a chat completion. */
export function chatChoice(result: CaptionResult, index: number) {
  return {
    index,
    message: { role: 'assistant', content: result.text, refusal: null },
    logprobs: result.logprobs ? chatLogprobs(result.logprobs) : null,
    finish_reason: finishReason(result),
  };
}

/** Sends one choice of a streamed chat completion, piece by piece. @throws SmolvlmError when its request fails */
export async function streamChatChoice(
  send: SendEvent,
  head: CompletionHead,
  index: number,
  events: AsyncIterable<EngineEvent>,
): Promise<CaptionResult> {
  const chunk = (delta: object, logprobs: readonly TokenLogprob[] | undefined, finish: string | null) =>
    send({
      ...head,
      object: 'chat.completion.chunk',
      choices: [{ index, delta, logprobs: logprobs ? chatLogprobs(logprobs) : null, finish_reason: finish }],
    });
  await chunk({ role: 'assistant', content: null }, undefined, null);
  let sent = '';
  let final: FinalEvent | undefined;
  for await (const event of events) {
    if (isFinal(event)) final = event;
    if (event.type !== 'token') continue;
    sent += event.text;
    await chunk({ content: event.text }, event.logprobs, null);
  }
  const result = finalResult(final);
  // An answer that is not generated token by token is sent as one piece.
  if (sent === '' && result.text !== '') await chunk({ content: result.text }, result.logprobs, null);
  await chunk({}, undefined, finishReason(result));
  return result;
}

function chatLogprobs(tokens: readonly TokenLogprob[]) {
  return { content: tokens.map(({ top, ...token }) => ({ ...token, top_logprobs: top })), refusal: null };
}
