import type { NumberBounds } from './decimal-range';
import { SchemaParser } from './schema-parser';
import type { StringFormat } from './string-formats';

/** The values that an answer can have: a JSON schema of few keywords, which accepts no more than the caller's. */
export type AnswerSchema =
  | StringSchema
  | IntegerSchema
  | NumberSchema
  | { readonly type: 'boolean' }
  | { readonly enum: readonly unknown[] }
  | ArraySchema
  | ObjectSchema
  | { readonly anyOf: readonly AnswerSchema[] };

export interface StringSchema {
  readonly type: 'string';
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: StringFormat;
}

export interface IntegerSchema {
  readonly type: 'integer';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
}

export interface NumberSchema extends NumberBounds {
  readonly type: 'number';
}

export interface ArraySchema {
  readonly type: 'array';
  /** Schemas of the first items. */
  readonly prefixItems?: readonly AnswerSchema[];
  /** Of the items after those. */
  readonly items: AnswerSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  /** No two items are equal. The items' schema is an `enum`, or a string without a pattern and a format. */
  readonly unique?: true;
}

export interface ObjectSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, AnswerSchema>>;
  /** Absent: all properties. */
  readonly required?: readonly string[];
  /** Of properties with other names; absent: there are none. */
  readonly additionalProperties?: AnswerSchema;
}

export interface SchemaOptions {
  /** Whether an object without `required` has optional properties, as JSON Schema says; by default it has required ones. */
  readonly optionalByDefault?: boolean;
}

/**
 * Parses the supported part of JSON Schema.
 * @throws SmolvlmError `request-json-schema` naming the place, e.g. `jsonSchema.properties.people.minimum`
 */
export function parseAnswerSchema(
  value: unknown,
  path = 'jsonSchema',
  options: SchemaOptions = {},
): AnswerSchema {
  return new SchemaParser(value, path, options).parse();
}
