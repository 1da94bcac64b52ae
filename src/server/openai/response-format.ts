import { type AnswerSchema, parseAnswerSchema } from '../../protocol/schema/answer-schema';
import { FieldError } from './openai-errors';

/** `response_format` of a chat; its JSON schema stands in `json_schema`, or for `json_object` in `schema`. */
export interface ResponseFormat {
  readonly type: 'text' | 'json_object' | 'json_schema';
  readonly schema?: unknown;
  readonly json_schema?: { readonly schema?: unknown } | null;
}

const schema = { type: ['object', 'boolean', 'null'] } as const;

export const responseFormatSchema = {
  type: ['object', 'null'],
  required: ['type'],
  properties: {
    type: { enum: ['text', 'json_object', 'json_schema'] },
    schema,
    json_schema: { type: ['object', 'null'], properties: { schema } },
  },
} as const;

/** The `text.format` of a response: the schema beside its name. */
export const textFormatSchema = {
  type: ['object', 'null'],
  required: ['type'],
  properties: { type: { enum: ['text', 'json_object', 'json_schema'] }, schema },
} as const;

/**
 * @param param place of the format, e.g. `response_format`
 * @returns undefined for plain text
 * @throws FieldError naming the part of the schema that is not supported
 */
export function answerSchema(
  format: ResponseFormat | null | undefined,
  param: string,
): AnswerSchema | undefined {
  if (!format || format.type === 'text') return undefined;
  const nested = format.json_schema !== undefined && format.json_schema !== null;
  const given = nested ? format.json_schema?.schema : format.schema;
  const path = nested ? `${param}.json_schema.schema` : `${param}.schema`;
  if (given == null && format.type === 'json_schema') {
    const place = 'response_format' === param ? `${param}.json_schema` : path;
    throw new FieldError('request-invalid', place, 'expected a JSON schema, received none');
  }
  return schemaAt(given ?? { type: 'object' }, path);
}

/** An answer that is cut at a stop string would not keep to its schema. @throws FieldError */
export function refuseStops(schema: AnswerSchema | undefined, stop: readonly string[] | undefined): void {
  if (!schema || !stop) return;
  throw new FieldError('request-answer', 'stop', 'expected no stop strings in a request for JSON');
}

/** @throws FieldError */
export function schemaAt(value: unknown, path: string): AnswerSchema {
  try {
    return parseAnswerSchema(value, path, { optionalByDefault: true });
  } catch (cause) {
    const { message = '' } = cause as Error;
    const [place = path] = message.split(': ');
    throw new FieldError('request-json-schema', place, message.slice(place.length + 2), {
      hint: 'The supported part of JSON Schema is listed in docs/protocol.md.',
      cause,
    });
  }
}
