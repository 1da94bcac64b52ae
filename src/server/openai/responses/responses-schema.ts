import { limits } from '../../../protocol/limits';
import { contentSchema, maxTokensSchema, modelSchema, topLogprobsSchema } from '../field-schemas';
import { type ResponseFormat, textFormatSchema } from '../response-format';
import { type SamplingFields, samplingProperties } from '../sampling-fields';
import { type ToolFields, toolProperties } from '../tool-fields';

/** The part of OpenAI's responses API that is supported. */
export interface ResponsesRequest extends SamplingFields, ToolFields {
  readonly model?: string | null;
  readonly input: string | readonly InputItem[];
  readonly instructions?: string | null;
  readonly stream?: boolean | null;
  readonly max_output_tokens?: number | null;
  readonly text?: { readonly format?: ResponseFormat | null } | null;
  readonly top_logprobs?: number | null;
  readonly include?: readonly string[] | null;
  readonly previous_response_id?: string | null;
  readonly conversation?: unknown;
  readonly background?: boolean | null;
  readonly metadata?: Readonly<Record<string, unknown>> | null;
}

export interface InputItem {
  /** Absent: `message`. */
  readonly type?: string | null;
  readonly role?: 'system' | 'developer' | 'user' | 'assistant';
  readonly content?: string | readonly InputPart[] | null;
  /** Of `function_call_output`. */
  readonly output?: unknown;
}

export interface InputPart {
  readonly type: 'input_text' | 'output_text' | 'text' | 'input_image' | 'refusal';
  readonly text?: string | null;
  readonly image_url?: string | null;
  readonly detail?: string | null;
}

const part = {
  type: 'object',
  required: ['type'],
  properties: {
    type: { enum: ['input_text', 'output_text', 'text', 'input_image', 'refusal'] },
    text: { type: ['string', 'null'], maxLength: limits.textCharacters },
    image_url: { type: ['string', 'null'] },
    detail: { enum: ['auto', 'low', 'high', 'original', null] },
  },
} as const;

const item = {
  type: 'object',
  properties: {
    type: { type: ['string', 'null'] },
    role: { enum: ['system', 'developer', 'user', 'assistant'] },
    content: contentSchema(part),
  },
} as const;

/** Unknown fields are ignored. */
export const responsesSchema = {
  type: 'object',
  required: ['input'],
  properties: {
    model: modelSchema,
    input: {
      type: ['string', 'array'],
      maxLength: limits.textCharacters,
      minItems: 1,
      maxItems: 1024,
      items: item,
    },
    instructions: { type: ['string', 'null'], maxLength: limits.textCharacters },
    stream: { type: ['boolean', 'null'] },
    max_output_tokens: maxTokensSchema,
    text: { type: ['object', 'null'], properties: { format: textFormatSchema } },
    top_logprobs: topLogprobsSchema,
    include: { type: ['array', 'null'], items: { type: 'string' } },
    previous_response_id: { type: ['string', 'null'] },
    background: { type: ['boolean', 'null'] },
    metadata: { type: ['object', 'null'] },
    ...samplingProperties,
    ...toolProperties,
  },
} as const;
