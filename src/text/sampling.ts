import { randomInt } from 'node:crypto';
import { greedyToken } from './probability';

export interface SamplingOptions {
  /** 0 (default): greedy. */
  readonly temperature?: number;
  /** Sample among the likeliest tokens that together have at least this probability; default 1. */
  readonly topP?: number;
  /** Same seed, same answer; random when absent. */
  readonly seed?: number;
}

/** Chooses a token from logits [vocabulary]. */
export type TokenChooser = (logits: Float32Array) => number;

export function tokenChooser({ temperature = 0, topP = 1, seed }: SamplingOptions = {}): TokenChooser {
  if (temperature === 0) return greedyToken;
  const random = mulberry32(seed ?? randomInt(2 ** 32));
  return (logits) => sample(logits, temperature, topP, random());
}

/** Nucleus sampling (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020). */
function sample(logits: Float32Array, temperature: number, topP: number, random: number): number {
  const best = logits[greedyToken(logits)] as number;
  const weights = Array.from(logits, (logit, id) => ({ id, weight: Math.exp((logit - best) / temperature) }))
    // A token below e⁻²⁰ of the best is never drawn in practice; leaving it out keeps the sort short.
    .filter(({ weight }) => weight > 2e-9)
    .sort((a, b) => b.weight - a.weight || a.id - b.id);
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
