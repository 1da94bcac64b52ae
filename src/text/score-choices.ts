import { SmolvlmError } from '../errors';
import { type PooledContext, truncate } from './context-pool';
import { append, type PrefillOptions } from './prefill';
import { logProbability } from './probability';
import type { TokenEmbeddings } from './token-embeddings';

/** A possible answer: its text and the tokens the model would write, including the end of turn. */
export interface Answer {
  readonly text: string;
  readonly tokenIds: readonly number[];
}

export interface ScoredAnswer extends Answer {
  /** Natural logarithm of the probability that the model writes exactly this answer and then ends. */
  readonly logProbability: number;
  /** Among the possible answers. */
  readonly probability: number;
}

/**
 * Scores answers by the model's own probability of writing them, in the order given. The end of turn
 * is part of an answer, so that a long one does not lose to its own beginning; there is no length correction.
 * @param logits [vocabulary] of the prompt's last row
 */
export async function scoreChoices(
  pooled: PooledContext,
  logits: Float32Array,
  answers: readonly Answer[],
  embeddings: TokenEmbeddings,
  { signal, giveWay }: Pick<PrefillOptions, 'signal' | 'giveWay'> = {},
): Promise<ScoredAnswer[]> {
  checkAnswers(answers);
  const promptLength = pooled.keys.length;
  const sums: number[] = [];
  for (const { tokenIds } of answers) {
    await giveWay?.();
    signal?.throwIfAborted();
    const [first = 0, ...rest] = tokenIds;
    let sum = logProbability(logits, first);
    if (rest.length > 0) {
      const read = tokenIds.slice(0, -1);
      const rows = await append(pooled, await embeddings.rows(read), read.map(String), 'all');
      const vocabulary = logits.length;
      for (const [index, id] of rest.entries()) {
        sum += logProbability(rows.subarray(index * vocabulary, (index + 1) * vocabulary), id);
      }
      truncate(pooled, promptLength);
    }
    sums.push(sum);
  }
  const largest = Math.max(...sums);
  const total = sums.reduce((all, sum) => all + Math.exp(sum - largest), 0);
  return answers.map((answer, index) => {
    const sum = sums[index] as number;
    return { ...answer, logProbability: sum, probability: Math.exp(sum - largest) / total };
  });
}

function checkAnswers(answers: readonly Answer[]): void {
  const texts = answers.map(({ text }) => text.trim());
  const wrong =
    texts.length < 2
      ? `expected at least two choices, received ${texts.length}`
      : texts.includes('')
        ? 'a choice is empty'
        : texts.find((text, index) => texts.indexOf(text) !== index);
  if (wrong === undefined) return;
  const message = texts.includes(wrong) ? `the choice "${wrong}" is given twice` : wrong;
  throw new SmolvlmError('caption-choices', message, {
    hint: 'Give two or more different answers, e.g. yes, no.',
  });
}
