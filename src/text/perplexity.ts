import { SmolvlmError } from '../errors';
import type { PooledContext } from './context-pool';
import { append, pieceRows } from './prefill';
import { greedyToken, logSumExp } from './probability';
import type { TokenEmbeddings } from './token-embeddings';

/** How well a decoder predicts a text. */
export interface TextPrediction {
  /** Tokens that were predicted: all but the first. */
  readonly tokens: number;
  /** exp(−mean ln p(token | tokens before it)). */
  readonly perplexity: number;
  /** The most likely token at each place. */
  readonly mostLikely: readonly number[];
}

/**
 * Predicts each token of a text from those before it, prefilled in pieces as captions are.
 * @param pooled an empty context
 * @throws SmolvlmError `perplexity-text` for fewer than two tokens, `decoder-context` for too many
 */
export async function predictText(
  pooled: PooledContext,
  tokenIds: readonly number[],
  embeddings: TokenEmbeddings,
  signal?: AbortSignal,
): Promise<TextPrediction> {
  if (tokenIds.length < 2) {
    throw new SmolvlmError('perplexity-text', `expected two tokens or more, received ${tokenIds.length}`, {
      hint: 'Give a longer text.',
    });
  }
  const mostLikely: number[] = [];
  let sum = 0;
  for (let begin = 0; begin < tokenIds.length - 1; begin += pieceRows) {
    signal?.throwIfAborted();
    const piece = tokenIds.slice(begin, Math.min(begin + pieceRows, tokenIds.length - 1));
    const logits = await append(pooled, await embeddings.rows(piece), piece.map(String), 'all');
    const vocabulary = logits.length / piece.length;
    for (let row = 0; row < piece.length; row++) {
      const each = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
      const next = tokenIds[begin + row + 1] as number;
      sum += (each[next] as number) - logSumExp(each);
      mostLikely.push(greedyToken(each));
    }
  }
  return { tokens: mostLikely.length, perplexity: Math.exp(-sum / mostLikely.length), mostLikely };
}

/** Share of places, 0 … 1, where two predictions of one text have the same most likely token. */
export function topOneAgreement(one: TextPrediction, other: TextPrediction): number {
  const same = one.mostLikely.filter((id, place) => id === other.mostLikely[place]).length;
  return same / one.tokens;
}
