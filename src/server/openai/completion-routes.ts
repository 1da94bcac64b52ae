import type { TokenLogprob } from '../../protocol/answer-options';
import type { CaptionResult, EngineEvent, FinalEvent } from '../../protocol/events';
import { isFinal } from '../../protocol/ndjson';
import { defined } from '../../system/defined';
import { peerGone } from '../http/event-response';
import { answerChoices } from './answer-choices';
import { type CompletionRequest, completionSchema } from './completion-schema';
import {
  type CompletionHead,
  completionHead,
  finalResult,
  finishReason,
  type Question,
  submit,
} from './openai-request';
import type { OpenAiRoutes } from './openai-routes';
import { maxNewTokens, samplingOptions, unsupported } from './sampling-fields';
import type { SendEvent } from './server-sent-events';

/** `POST /v1/completions`. */
export function registerCompletions(routes: OpenAiRoutes): void {
  routes.post<CompletionRequest>(
    '/completions',
    { body: completionSchema, summary: 'Continue a text', streams: true },
    async ({ body }, reply) => {
      const gone = peerGone(reply);
      const named = await routes.models.find(body.model);
      const streams = fromCompletion(body).flatMap((question) =>
        submit(routes.engine, question, named, gone),
      );
      const head = {
        ...completionHead('cmpl', named, routes.fingerprint),
        object: 'text_completion',
      };
      return await answerChoices(reply, streams, {
        ...body,
        whole: (results) => ({
          ...head,
          choices: results.map((result, index) =>
            choice(index, result.text, result.logprobs, finishReason(result)),
          ),
        }),
        chunks: (send, index, events) => streamChoice(send, head, index, events),
        usageChunk: { ...head, choices: [] },
      });
    },
  );
}

/** A question for each prompt. @throws FieldError */
function fromCompletion(completion: CompletionRequest): Question[] {
  const { prompt, echo, suffix, best_of: bestOf } = completion;
  if (echo) throw unsupported('echo', 'The caller already has the prompt.');
  if (suffix) throw unsupported('suffix', 'Text is continued, not filled in.');
  if ((bestOf ?? 1) > 1) throw unsupported('best_of', 'Use n.');
  const { answer, ...sampling } = samplingOptions(completion);
  return (typeof prompt === 'string' ? [prompt] : prompt).map((text) => ({
    pictures: [],
    places: [],
    choices: completion.n ?? 1,
    request: {
      messages: [{ role: 'user', content: [{ type: 'text', text }] }],
      stream: completion.stream === true,
      maxNewTokens: maxNewTokens(completion.max_tokens, 'max_tokens'),
      ...sampling,
      answer: { ...answer, raw: true, ...defined({ topLogprobs: completion.logprobs ?? undefined }) },
    },
  }));
}

async function streamChoice(
  send: SendEvent,
  head: CompletionHead,
  index: number,
  events: AsyncIterable<EngineEvent>,
): Promise<CaptionResult> {
  let final: FinalEvent | undefined;
  for await (const event of events) {
    if (isFinal(event)) final = event;
    else if (event.type === 'token') {
      await send({ ...head, choices: [choice(index, event.text, event.logprobs, null)] });
    }
  }
  const result = finalResult(final);
  await send({ ...head, choices: [choice(index, '', undefined, finishReason(result))] });
  return result;
}

function choice(
  index: number,
  text: string,
  logprobs: readonly TokenLogprob[] | undefined,
  finish: 'stop' | 'length' | null,
) {
  return { index, text, logprobs: logprobs ? tokenLists(logprobs) : null, finish_reason: finish };
}

/** Log probabilities in the form of the older API: a list for each property. */
function tokenLists(tokens: readonly TokenLogprob[]) {
  let length = 0;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: tokens.map(({ token }) => {
      length += token.length;
      return length - token.length;
    }),
  };
}
