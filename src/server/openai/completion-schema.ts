import { limits } from '../../protocol/limits';
import { choicesSchema, maxTokensSchema, modelSchema, streamProperties } from './field-schemas';
import { type SamplingFields, samplingProperties } from './sampling-fields';

/** The part of OpenAI's older completion API that is supported: a text is continued, without a chat template. */
export interface CompletionRequest extends SamplingFields {
  readonly model?: string | null;
  readonly prompt: string | readonly string[];
  readonly stream?: boolean | null;
  readonly stream_options?: { readonly include_usage?: boolean | null } | null;
  readonly max_tokens?: number | null;
  readonly n?: number | null;
  readonly logprobs?: number | null;
  readonly best_of?: number | null;
  readonly echo?: boolean | null;
  readonly suffix?: string | null;
}

const prompt = { type: 'string', minLength: 1, maxLength: limits.textCharacters } as const;

/** Unknown fields are ignored. */
export const completionSchema = {
  type: 'object',
  required: ['prompt'],
  properties: {
    model: modelSchema,
    prompt: {
      type: ['string', 'array'],
      ...{ minLength: 1, maxLength: limits.textCharacters },
      minItems: 1,
      maxItems: 8,
      items: prompt,
    },
    ...streamProperties,
    max_tokens: maxTokensSchema,
    n: choicesSchema,
    logprobs: { type: ['integer', 'null'], minimum: 0, maximum: 5 },
    best_of: { type: ['integer', 'null'] },
    echo: { type: ['boolean', 'null'] },
    suffix: { type: ['string', 'null'] },
    ...samplingProperties,
  },
} as const;
