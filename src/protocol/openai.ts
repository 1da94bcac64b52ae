import { limits } from './limits';

/** The part of OpenAI's chat completion API that is supported. */
export interface ChatCompletionRequest {
  readonly model?: string;
  readonly messages: readonly OpenAiMessage[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
  readonly temperature?: number | null;
  readonly top_p?: number | null;
  readonly seed?: number | null;
  readonly stop?: string | readonly string[] | null;
  readonly n?: number | null;
}

export interface OpenAiMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  readonly content: string | readonly OpenAiPart[];
}

export type OpenAiPart =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'image_url';
      readonly image_url: { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' };
    };

const text = { type: 'string', maxLength: limits.textCharacters } as const;

const part = {
  type: 'object',
  required: ['type'],
  oneOf: [
    { required: ['text'], properties: { type: { const: 'text' }, text } },
    {
      required: ['image_url'],
      properties: {
        type: { const: 'image_url' },
        image_url: {
          type: 'object',
          required: ['url'],
          properties: { url: { type: 'string' }, detail: { enum: ['auto', 'low', 'high'] } },
        },
      },
    },
  ],
} as const;

/** Unknown fields are ignored, because programs send fields that have no meaning here. */
export const chatCompletionSchema = {
  type: 'object',
  required: ['messages'],
  properties: {
    model: { type: 'string', maxLength: limits.modelCharacters },
    messages: {
      type: 'array',
      minItems: 1,
      maxItems: limits.messages,
      items: {
        type: 'object',
        required: ['role', 'content'],
        properties: {
          role: { enum: ['system', 'developer', 'user', 'assistant'] },
          content: {
            anyOf: [text, { type: 'array', minItems: 1, maxItems: limits.messageParts, items: part }],
          },
        },
      },
    },
    stream: { type: ['boolean', 'null'] },
    stream_options: {
      type: ['object', 'null'],
      properties: { include_usage: { type: ['boolean', 'null'] } },
    },
    max_tokens: { type: ['integer', 'null'], minimum: 1, maximum: limits.maxNewTokens },
    max_completion_tokens: { type: ['integer', 'null'], minimum: 1, maximum: limits.maxNewTokens },
    temperature: { type: ['number', 'null'], minimum: 0, maximum: 5 },
    top_p: { type: ['number', 'null'], exclusiveMinimum: 0, maximum: 1 },
    seed: { type: ['integer', 'null'], minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    stop: {
      anyOf: [
        { type: 'null' },
        { type: 'string', minLength: 1, maxLength: limits.stopCharacters },
        {
          type: 'array',
          maxItems: limits.stopStrings,
          items: { type: 'string', minLength: 1, maxLength: limits.stopCharacters },
        },
      ],
    },
    n: { enum: [1, null] },
  },
} as const;
