import { limits } from '../../../protocol/limits';
import {
  choicesSchema,
  contentSchema,
  maxTokensSchema,
  modelSchema,
  streamProperties,
  topLogprobsSchema,
} from '../field-schemas';
import { type ResponseFormat, responseFormatSchema } from '../response-format';
import { type SamplingFields, samplingProperties } from '../sampling-fields';
import { type ToolFields, toolProperties } from '../tool-fields';

/** The part of OpenAI's chat completion API that is supported. */
export interface ChatCompletionRequest extends SamplingFields, ToolFields {
  readonly model?: string | null;
  readonly messages: readonly ChatCompletionMessage[];
  readonly stream?: boolean | null;
  readonly stream_options?: { readonly include_usage?: boolean | null } | null;
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
  readonly n?: number | null;
  readonly logprobs?: boolean | null;
  readonly top_logprobs?: number | null;
  readonly response_format?: ResponseFormat | null;
  /** A JSON schema, as llama.cpp's server accepts it. */
  readonly json_schema?: unknown;
  readonly timings_per_token?: boolean | null;
  /** Kinds of answer; only `text` can be given. */
  readonly modalities?: readonly string[] | null;
}

export interface ChatCompletionMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function';
  readonly content?: string | readonly ChatCompletionPart[] | null;
}

export interface ChatCompletionPart {
  readonly type: 'text' | 'image_url' | 'refusal';
  readonly text?: string | null;
  readonly image_url?: string | { readonly url: string; readonly detail?: string | null } | null;
}

/** Messages of one conversation. */
const mostMessages = 1024;

const part = {
  type: 'object',
  required: ['type'],
  properties: {
    type: { enum: ['text', 'image_url', 'refusal'] },
    text: { type: ['string', 'null'], maxLength: limits.textCharacters },
    image_url: {
      type: ['string', 'object', 'null'],
      required: ['url'],
      properties: { url: { type: 'string' }, detail: { enum: ['auto', 'low', 'high', 'original', null] } },
    },
  },
} as const;

const message = {
  type: 'object',
  required: ['role'],
  properties: {
    role: { enum: ['system', 'developer', 'user', 'assistant', 'tool', 'function'] },
    content: contentSchema(part),
  },
} as const;

/** Unknown fields are ignored, because programs send fields that have no meaning here. */
export const chatCompletionSchema = {
  type: 'object',
  required: ['messages'],
  properties: {
    model: modelSchema,
    messages: { type: 'array', minItems: 1, maxItems: mostMessages, items: message },
    ...streamProperties,
    max_tokens: maxTokensSchema,
    max_completion_tokens: maxTokensSchema,
    n: choicesSchema,
    logprobs: { type: ['boolean', 'null'] },
    top_logprobs: topLogprobsSchema,
    response_format: responseFormatSchema,
    json_schema: { type: ['object', 'boolean', 'null'] },
    timings_per_token: { type: ['boolean', 'null'] },
    modalities: { type: ['array', 'null'], items: { type: 'string' } },
    ...samplingProperties,
    ...toolProperties,
  },
} as const;
