import { limits } from '../../protocol/limits';

export const maxTokensSchema = { type: ['integer', 'null'], minimum: -1 } as const;
export const modelSchema = { type: ['string', 'null'], maxLength: limits.modelCharacters } as const;
/** Answers to one request. */
export const choicesSchema = { type: ['integer', 'null'], minimum: 1, maximum: 8 } as const;
/** Log probabilities at each place, as in OpenAI's API. */
export const topLogprobsSchema = { type: ['integer', 'null'], minimum: 0, maximum: 20 } as const;
export const streamProperties = {
  stream: { type: ['boolean', 'null'] },
  stream_options: {
    type: ['object', 'null'],
    properties: { include_usage: { type: ['boolean', 'null'] } },
  },
} as const;

/** The content of a message: a text, or parts. @param part schema of one part */
export function contentSchema<Part>(part: Part) {
  return {
    type: ['string', 'array', 'null'],
    maxLength: limits.textCharacters,
    maxItems: limits.messageParts,
    items: part,
  } as const;
}
