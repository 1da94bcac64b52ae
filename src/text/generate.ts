import { SmolvlmError } from '../errors';
import type { TokenLogprob } from '../protocol/answer-options';
import { defined } from '../system/defined';
import { AnswerText, type TextStream } from './answer-text';
import type { TokenConstraint } from './constraint/json-constraint';
import type { PooledContext } from './context-pool';
import type { LogitAdjustment } from './logit-adjustment';
import { append, type GiveWay } from './prefill';
import { logProbability } from './probability';
import { type SamplingOptions, tokenChooser } from './sampling';
import type { TokenEmbeddings } from './token-embeddings';
import type { TokenLogprobs } from './token-logprobs';

export interface GenerateOptions extends SamplingOptions {
  readonly maxNewTokens: number;
  /** Generation ends at any of these; the token is part of `tokenIds`, not of the text. */
  readonly stopIds: readonly number[];
  /** Generation ends where one of these begins; it is not part of the text. */
  readonly stop?: readonly string[];
  readonly stream: TextStream;
  /** Tokens it forbids are never generated. */
  readonly constraint?: TokenConstraint;
  /** Changes the logits before a token is chosen; log probabilities are those of the unchanged ones. */
  readonly adjustment?: LogitAdjustment;
  /** Records log probabilities. */
  readonly logprobs?: TokenLogprobs;
  /** The answer continues a text: white space at its beginning is part of it. */
  readonly keepStart?: boolean;
  /** An answer without text is not an error. */
  readonly mayBeEmpty?: boolean;
  /** Checked before each token. */
  readonly signal?: AbortSignal;
  readonly giveWay?: GiveWay;
  /** @param logprobs of the text's tokens */
  readonly onText?: (text: string, logprobs?: readonly TokenLogprob[]) => void;
  readonly onToken?: (done: number, total: number) => void;
}

export interface Generation {
  readonly tokenIds: readonly number[];
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  /** Geometric mean of the tokens' probabilities. */
  readonly confidence: number;
  readonly logprobs?: readonly TokenLogprob[];
}

/**
 * Continues a prefilled context.
 * @param logits [vocabulary] of the prompt's last row
 * @throws SmolvlmError `caption-empty` when the model ends without any text; the signal's reason when aborted
 */
export async function generate(
  pooled: PooledContext,
  logits: Float32Array,
  embeddings: TokenEmbeddings,
  options: GenerateOptions,
): Promise<Generation> {
  const { maxNewTokens, stopIds, stream, constraint, adjustment, signal, giveWay, onToken } = options;
  const choose = tokenChooser(options);
  const logprobs: TokenLogprob[] = [];
  const onText = (text: string): void => {
    const taken = options.logprobs?.take();
    if (taken) logprobs.push(...taken);
    options.onText?.(text, taken);
  };
  const answer = new AnswerText(stream, options.stop, onText, options.keepStart);
  const tokenIds: number[] = [];
  let current = logits;
  let logProbabilities = 0;
  let stopped = false;
  while (tokenIds.length < maxNewTokens) {
    signal?.throwIfAborted();
    const logits = adjustment?.apply(current) ?? current;
    const id = choose(constraint?.mask(logits, maxNewTokens - tokenIds.length) ?? logits);
    constraint?.accept(id);
    adjustment?.accept(id);
    tokenIds.push(id);
    logProbabilities += logProbability(current, id);
    stopped = stopIds.includes(id);
    if (!stopped) options.logprobs?.add(current, id);
    if (!stopped) answer.push(id);
    onToken?.(tokenIds.length, maxNewTokens);
    stopped ||= answer.stopped;
    if (stopped || tokenIds.length === maxNewTokens) break;
    await giveWay?.();
    current = await append(pooled, await embeddings.row(id), [String(id)], 'last');
  }
  answer.end();
  if (answer.text === '' && !options.mayBeEmpty) {
    throw new SmolvlmError(
      'caption-empty',
      `the model ended its answer without any text (${tokenIds.length} tokens)`,
      {
        hint: 'Rephrase the prompt; very short or unusual prompts can produce no answer.',
      },
    );
  }
  return {
    tokenIds,
    text: answer.text,
    finishReason: stopped ? 'stop' : 'length',
    confidence: Math.exp(logProbabilities / tokenIds.length),
    ...defined({ logprobs: options.logprobs && logprobs }),
  };
}
