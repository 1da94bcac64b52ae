import { type PooledContext, truncate } from './context-pool';
import type { PromptRows } from './embed-prompt';

/** Rows appended between two checks of the signal. Quantisation by ranges depends on which rows are computed together. */
export const pieceRows = 256;

/** Tokens of the answer that the cache has room for when the prompt is prefilled. */
const answerTokens = 64;

/** Awaited between two pieces of a computation: work of higher priority goes first. */
export type GiveWay = () => Promise<void>;

export interface PrefillOptions {
  readonly signal?: AbortSignal;
  readonly giveWay?: GiveWay;
  /** Tokens in the context, out of tokens in the prompt. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Appends the part of the prompt that the context does not hold yet. @returns logits [vocabulary] of the last row */
export async function prefill(
  pooled: PooledContext,
  prompt: PromptRows,
  { signal, giveWay, onProgress }: PrefillOptions = {},
): Promise<Float32Array> {
  const total = prompt.keys.length;
  const width = prompt.rows.length / total;
  let logits: Float32Array = new Float32Array();
  // Once for all pieces: each growth copies the cache and leaves the old one to the garbage collector.
  pooled.context.reserve(total - pooled.keys.length + answerTokens);
  for (let begin = pooled.keys.length; begin < total; begin += pieceRows) {
    await giveWay?.();
    signal?.throwIfAborted();
    const end = Math.min(total, begin + pieceRows);
    logits = await append(
      pooled,
      prompt.rows.subarray(begin * width, end * width),
      prompt.keys.slice(begin, end),
      end === total ? 'last' : 'none',
    );
    onProgress?.(end, total);
  }
  return logits;
}

/** Appends rows with their keys; after a failure the context is unchanged. */
export async function append(
  pooled: PooledContext,
  rows: Float32Array,
  keys: readonly string[],
  logits: 'last' | 'all' | 'none',
): Promise<Float32Array> {
  const { length } = pooled.keys;
  try {
    const result = await pooled.context.append(rows, logits);
    pooled.keys.push(...keys);
    return result;
  } catch (error) {
    truncate(pooled, length);
    throw error;
  }
}
