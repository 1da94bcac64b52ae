import { SmolvlmError } from '../errors';
import { defined } from '../system/defined';
import { limits } from './limits';

/** Schema of a JSON answer. */
export type AnswerSchema =
  | { readonly type: 'string'; readonly maxLength?: number }
  | { readonly type: 'integer'; readonly minimum?: number; readonly maximum?: number }
  | { readonly type: 'number' | 'boolean' }
  | { readonly enum: readonly (string | number | boolean | null)[] }
  | {
      readonly type: 'array';
      readonly items: AnswerSchema;
      readonly minItems?: number;
      readonly maxItems?: number;
    }
  | { readonly type: 'object'; readonly properties: Readonly<Record<string, AnswerSchema>> };

/** Fifteen digits: every such integer is exact in a double. */
const largestInteger = 999_999_999_999_999;

const notes = ['title', 'description', '$schema'] as const;

const keywords: Readonly<Record<string, readonly string[]>> = {
  string: ['maxLength'],
  integer: ['minimum', 'maximum'],
  number: [],
  boolean: [],
  array: ['items', 'minItems', 'maxItems'],
  object: ['properties', 'required', 'additionalProperties'],
};

/**
 * Parses the supported part of JSON Schema. Every property is always written, in the given order, so `required` and
 * `additionalProperties` are accepted and have no effect.
 * @throws SmolvlmError `request-json-schema` naming the place, e.g. `jsonSchema.properties.people.minimum`
 */
export function parseAnswerSchema(
  value: unknown,
  path = 'jsonSchema',
  _options: { readonly optionalByDefault?: boolean } = {},
  depth = 0,
): AnswerSchema {
  if (!isRecord(value)) throw wrong(path, 'expected a schema object', value);
  if (depth > limits.schemaDepth)
    throw wrong(path, `expected at most ${limits.schemaDepth} levels`, 'a deeper one');
  if (value.enum !== undefined) return parseEnum(value, path);
  const { type } = value;
  const allowed = typeof type === 'string' ? keywords[type] : undefined;
  if (allowed === undefined)
    throw wrong(`${path}.type`, `expected one of ${Object.keys(keywords).join(', ')}, or an enum`, type);
  checkKeywords(value, ['type', ...allowed], path);
  switch (type) {
    case 'string': {
      const maxLength = count(value.maxLength, `${path}.maxLength`, 1, limits.schemaStringLength);
      return { type, ...defined({ maxLength }) };
    }
    case 'integer':
      return { type, ...bounds(value, 'minimum', 'maximum', path, -largestInteger, largestInteger) };
    case 'array':
      return {
        type,
        items: parseAnswerSchema(value.items, `${path}.items`, {}, depth + 1),
        ...bounds(value, 'minItems', 'maxItems', path, 0, limits.schemaItems),
      };
    case 'object':
      return { type, properties: parseProperties(value, path, depth) };
    default:
      return { type: type as 'number' | 'boolean' };
  }
}

function parseProperties(
  { properties, required }: Readonly<Record<string, unknown>>,
  path: string,
  depth: number,
): Record<string, AnswerSchema> {
  if (!isRecord(properties) || Object.keys(properties).length === 0)
    throw wrong(`${path}.properties`, 'expected an object with at least one property', properties);
  const names = Object.keys(properties);
  if (names.length > limits.schemaProperties)
    throw wrong(`${path}.properties`, `expected at most ${limits.schemaProperties} properties`, names.length);
  for (const name of Array.isArray(required) ? required : []) {
    if (!names.includes(String(name))) throw wrong(`${path}.required`, 'expected names of properties', name);
  }
  return Object.fromEntries(
    names.map((name) => [
      name,
      parseAnswerSchema(properties[name], `${path}.properties.${name}`, {}, depth + 1),
    ]),
  );
}

function parseEnum(value: Readonly<Record<string, unknown>>, path: string): AnswerSchema {
  checkKeywords(value, ['type', 'enum'], path);
  const options = value.enum;
  if (!Array.isArray(options) || options.length === 0 || options.length > limits.schemaEnum)
    throw wrong(`${path}.enum`, `expected a list of 1 to ${limits.schemaEnum} values`, options);
  for (const option of options) {
    const simple = option === null || ['string', 'boolean'].includes(typeof option);
    if (!simple && !Number.isFinite(option))
      throw wrong(`${path}.enum`, 'expected strings, numbers, booleans or null', option);
  }
  return { enum: options };
}

function bounds<Low extends string, High extends string>(
  value: Readonly<Record<string, unknown>>,
  low: Low,
  high: High,
  path: string,
  least: number,
  most: number,
): Partial<Record<Low | High, number>> {
  const from = count(value[low], `${path}.${low}`, least, most);
  const to = count(value[high], `${path}.${high}`, least, most);
  if (from !== undefined && to !== undefined && from > to)
    throw wrong(`${path}.${high}`, `expected at least ${low} (${from})`, to);
  return defined({ [low]: from, [high]: to }) as Partial<Record<Low | High, number>>;
}

function count(value: unknown, path: string, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(path, `expected an integer from ${least} to ${most}`, value);
}

function checkKeywords(value: object, allowed: readonly string[], path: string): void {
  const unknown = Object.keys(value).find(
    (key) => !allowed.includes(key) && !(notes as readonly string[]).includes(key),
  );
  if (unknown !== undefined) throw wrong(path, `expected the keywords ${allowed.join(', ')}`, unknown);
}

function wrong(path: string, expected: string, received: unknown): SmolvlmError {
  const text = received === undefined ? 'nothing' : JSON.stringify(received).slice(0, 80);
  return new SmolvlmError('request-json-schema', `${path}: ${expected}, received ${text}`, {
    hint: 'Use objects, arrays, strings, integers, numbers, booleans and enums; see docs/protocol.md.',
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
