import { randomInt } from 'node:crypto';
import { greedyToken } from './probability';

export interface SamplingOptions {
  /** 0 (default): greedy. */
  readonly temperature?: number;
  /** Sample among the likeliest tokens that together have at least this probability; default 1. */
  readonly topP?: number;
  /** Sample among this many of the likeliest tokens; all when absent. */
  readonly topK?: number;
  /** Sample among tokens at least this likely, as a share of the likeliest one's probability; default 0. */
  readonly minP?: number;
  /** Same seed, same answer; random when absent. */
  readonly seed?: number;
}

/** Chooses a token from logits [vocabulary]. */
export type TokenChooser = (logits: Float32Array) => number;

export function tokenChooser({ temperature = 0, seed, ...bounds }: SamplingOptions = {}): TokenChooser {
  if (temperature === 0) return greedyToken;
  const random = mulberry32(seed ?? randomInt(2 ** 32));
  return (logits) => sample(logits, temperature, bounds, random());
}

/** Nucleus sampling (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020). */
function sample(
  logits: Float32Array,
  temperature: number,
  { topP = 1, topK = Number.POSITIVE_INFINITY, minP = 0 }: SamplingOptions,
  random: number,
): number {
  const best = logits[greedyToken(logits)] as number;
  const weights = Array.from(logits, (logit, id) => ({ id, weight: Math.exp((logit - best) / temperature) }))
    // A token below e⁻²⁰ of the best is never drawn in practice; leaving it out keeps the sort short.
    .filter(({ weight }) => weight > 2e-9 && weight >= minP)
    .sort((a, b) => b.weight - a.weight || a.id - b.id)
    .slice(0, topK);
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  let kept = 0;
  let count = 0;
  while (count < weights.length && (count === 0 || kept < topP * total))
    kept += weights[count++]?.weight ?? 0;
  let left = random * kept;
  for (const { id, weight } of weights.slice(0, count)) {
    left -= weight;
    if (left < 0) return id;
  }
  return weights[0]?.id ?? 0;
}

/** T. Ettinger's mulberry32: a 32-bit generator, seeded and small. @returns numbers in [0, 1) */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
