import type { AnswerOptions } from '../../protocol/answer-options';
import type { DescribeRequest } from '../../protocol/describe-request';
import { limits } from '../../protocol/limits';
import { defined } from '../../system/defined';
import { FieldError } from './openai-errors';

/** Fields that say how tokens are chosen: of chat completions, completions and responses alike. */
export interface SamplingFields {
  readonly temperature?: number | null;
  readonly top_p?: number | null;
  readonly top_k?: number | null;
  readonly min_p?: number | null;
  readonly seed?: number | null;
  readonly stop?: string | readonly string[] | null;
  readonly presence_penalty?: number | null;
  readonly frequency_penalty?: number | null;
  readonly repetition_penalty?: number | null;
  readonly repeat_penalty?: number | null;
  readonly logit_bias?: Readonly<Record<string, number>> | null;
  readonly grammar?: string | null;
}

const penalty = { type: ['number', 'null'], minimum: -2, maximum: 2 } as const;

export const samplingProperties = {
  temperature: { type: ['number', 'null'], minimum: 0, maximum: 5 },
  top_p: { type: ['number', 'null'], minimum: 0, maximum: 1 },
  top_k: { type: ['integer', 'null'] },
  min_p: { type: ['number', 'null'], minimum: 0, maximum: 1 },
  seed: { type: ['integer', 'null'] },
  stop: {
    type: ['string', 'array', 'null'],
    maxLength: limits.stopCharacters,
    maxItems: limits.stopStrings,
    items: { type: 'string', maxLength: limits.stopCharacters },
  },
  presence_penalty: penalty,
  frequency_penalty: penalty,
  repetition_penalty: { type: ['number', 'null'] },
  repeat_penalty: { type: ['number', 'null'] },
  logit_bias: {
    type: ['object', 'null'],
    maxProperties: 1024,
    propertyNames: { pattern: '^\\d{1,7}$' },
    additionalProperties: { type: 'number', minimum: -100, maximum: 100 },
  },
  grammar: { type: ['string', 'null'] },
} as const;

/** @throws FieldError for penalties and grammars that this engine does not have */
export function samplingOptions(
  fields: SamplingFields,
): Pick<DescribeRequest, 'temperature' | 'topP' | 'seed' | 'stop'> & { readonly answer: AnswerOptions } {
  for (const name of ['repetition_penalty', 'repeat_penalty'] as const) {
    if ((fields[name] ?? 1) === 1) continue;
    throw unsupported(name, 'Use presence_penalty or frequency_penalty.');
  }
  if (fields.grammar) throw unsupported('grammar', 'Use response_format with a JSON schema.');
  const { stop, seed } = fields;
  const stops = (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((each) => each !== '');
  return {
    ...defined({
      temperature: fields.temperature ?? undefined,
      // OpenAI accepts 0, which leaves the likeliest token only.
      topP: fields.top_p === 0 ? Number.MIN_VALUE : (fields.top_p ?? undefined),
      seed: seed == null ? undefined : unsigned(seed),
      stop: stops.length > 0 ? stops : undefined,
    }),
    answer: {
      mayBeEmpty: true,
      ...defined({
        topK: fields.top_k == null || fields.top_k <= 0 ? undefined : fields.top_k,
        minP: fields.min_p ?? undefined,
        logitBias: fields.logit_bias ?? undefined,
        presencePenalty: fields.presence_penalty || undefined,
        frequencyPenalty: fields.frequency_penalty || undefined,
      }),
    },
  };
}

/** Tokens of an answer whose request does not say: some structured answers need more than a caption. */
const defaultTokens = 512;

/**
 * @param tokens absent or null: the default; negative: as many as the model's context holds
 * @param param the field's name
 * @throws FieldError
 */
export function maxNewTokens(tokens: number | null | undefined, param: string): number {
  if (tokens == null) return defaultTokens;
  if (tokens === 0) throw new FieldError('request-invalid', param, 'expected -1, or 1 or more, received 0');
  return tokens < 0 ? limits.maxNewTokens : Math.min(tokens, limits.maxNewTokens);
}

export function unsupported(param: string, hint: string): FieldError {
  return new FieldError('request-unsupported', param, 'this engine does not support it', { hint });
}

/** Any whole number as one of 32 bits. */
function unsigned(seed: number): number {
  return ((seed % 2 ** 32) + 2 ** 32) % 2 ** 32;
}
