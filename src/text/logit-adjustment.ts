import type { AnswerOptions } from '../protocol/answer-options';

export type LogitAdjustments = Pick<AnswerOptions, 'logitBias' | 'presencePenalty' | 'frequencyPenalty'>;

/**
 * Biases and penalties of tokens, as OpenAI defines them: logit + bias − presence · [n > 0] − frequency · n, where n counts
 * the token in the answer so far.
 */
export class LogitAdjustment {
  readonly #bias: readonly (readonly [id: number, bias: number])[];
  readonly #presence: number;
  readonly #frequency: number;
  readonly #counts = new Map<number, number>();

  constructor({ logitBias = {}, presencePenalty = 0, frequencyPenalty = 0 }: LogitAdjustments) {
    this.#bias = Object.entries(logitBias).map(([id, bias]) => [Number(id), bias]);
    this.#presence = presencePenalty;
    this.#frequency = frequencyPenalty;
  }

  /** @returns the logits themselves where nothing changes, else a copy */
  apply(logits: Float32Array): Float32Array {
    const penalised = this.#counts.size > 0 && (this.#presence !== 0 || this.#frequency !== 0);
    if (this.#bias.length === 0 && !penalised) return logits;
    const adjusted = Float32Array.from(logits);
    for (const [id, bias] of this.#bias) if (id < adjusted.length) adjusted[id] = (adjusted[id] ?? 0) + bias;
    if (!penalised) return adjusted;
    for (const [id, count] of this.#counts)
      adjusted[id] = (adjusted[id] ?? 0) - this.#presence - this.#frequency * count;
    return adjusted;
  }

  accept(id: number): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }
}
