import { SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import type { AnswerSchema, IntegerSchema, NumberSchema, StringSchema } from './answer-schema';
import { decimalRange, type NumberBounds } from './decimal-range';
import { libraryPatterns } from './library-patterns';
import { finiteNumber, type SchemaRecord, schemaFault, wholeNumber } from './schema-faults';
import { withoutNotes } from './schema-keywords';
import { schemaLimits } from './schema-limits';
import { freeFormats, type StringFormat, standardFormats, stringFormats } from './string-formats';
import { parseStringPattern } from './string-pattern';

/** Fifteen digits: every such integer is exact in a double. */
const largestInteger = 999_999_999_999_999;

/** Larger ones have no multiples that can be told by their digits. */
const largestMultiple = 1000;

const numberFormats: ReadonlySet<unknown> = new Set(['int32', 'int64', 'float', 'double']);

export function parseString(schema: SchemaRecord, path: string): StringSchema {
  const minLength = wholeNumber(schema.minLength, `${path}.minLength`, 0, schemaLimits.stringLength);
  // Longer strings are valid; they are not written.
  const given = wholeNumber(schema.maxLength, `${path}.maxLength`, 0, Number.MAX_SAFE_INTEGER);
  const maxLength = given === undefined ? undefined : Math.min(given, schemaLimits.stringLength);
  if (minLength !== undefined && maxLength !== undefined && minLength > maxLength)
    throw schemaFault(`${path}.maxLength`, `expected at least minLength (${minLength})`, maxLength);
  return {
    type: 'string',
    ...defined({
      minLength: minLength === 0 ? undefined : minLength,
      maxLength,
      pattern: stringPattern(plainPattern(schema.pattern), `${path}.pattern`),
      format: stringFormat(schema.format, schema.pattern !== undefined, `${path}.format`),
    }),
  };
}

/** The pattern, or the one that stands in for a library's. */
function plainPattern(pattern: unknown): unknown {
  return (typeof pattern === 'string' && libraryPatterns.get(pattern)) || pattern;
}

function stringPattern(pattern: unknown, path: string): string | undefined {
  if (pattern === undefined) return undefined;
  if (typeof pattern !== 'string' || pattern.length > 1000)
    throw schemaFault(path, 'expected a pattern of at most 1000 characters', pattern);
  try {
    parseStringPattern(pattern);
  } catch (cause) {
    if (!(cause instanceof SmolvlmError)) throw cause;
    throw new SmolvlmError(cause.code, `${path}: ${cause.message}`, {
      hint: 'The supported part of JSON Schema is listed in docs/protocol.md.',
      cause,
    });
  }
  return pattern;
}

function stringFormat(format: unknown, hasPattern: boolean, path: string): StringFormat | undefined {
  if (format === undefined || numberFormats.has(format)) return undefined;
  if (typeof format === 'string') {
    if (Object.hasOwn(stringFormats, format)) return format as StringFormat;
    if (freeFormats.has(format) || (hasPattern && !standardFormats.has(format))) return undefined;
  }
  throw schemaFault(path, `expected one of ${Object.keys(stringFormats).join(', ')}`, format);
}

export function parseInteger(schema: SchemaRecord, path: string): IntegerSchema | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = numberBounds(schema, path);
  const multipleOf = multiple(schema.multipleOf, `${path}.multipleOf`);
  const int32 = schema.format === 'int32';
  const lows = [Math.ceil(minimum ?? Number.NEGATIVE_INFINITY), int32 ? -(2 ** 31) : -largestInteger];
  const highs = [Math.floor(maximum ?? Number.POSITIVE_INFINITY), int32 ? 2 ** 31 - 1 : largestInteger];
  if (exclusiveMinimum !== undefined) lows.push(Math.floor(exclusiveMinimum) + 1);
  if (exclusiveMaximum !== undefined) highs.push(Math.ceil(exclusiveMaximum) - 1);
  const [low, high] = [Math.max(...lows), Math.min(...highs)];
  const step = multipleOf ?? 1;
  if (low > high || Math.ceil(low / step) * step > high) return undefined;
  const isBounded = (bound: number, by: number): number | undefined => (bound === by ? undefined : bound);
  return {
    type: 'integer',
    ...defined({
      minimum: isBounded(low, -largestInteger),
      maximum: isBounded(high, largestInteger),
      multipleOf,
    }),
  };
}

export function parseNumber(schema: SchemaRecord, path: string): IntegerSchema | NumberSchema | undefined {
  // Of the multiples of a whole number all are whole.
  if (schema.multipleOf !== undefined) return parseInteger(schema, path);
  const bounds = numberBounds(schema, path);
  const { least, most } = decimalRange(bounds);
  return least > most ? undefined : { type: 'number', ...bounds };
}

function numberBounds(schema: SchemaRecord, path: string): NumberBounds {
  const bound = (name: keyof NumberBounds) => finiteNumber(schema[name], `${path}.${name}`);
  const [minimum, maximum] = [bound('minimum'), bound('maximum')];
  if (minimum !== undefined && maximum !== undefined && minimum > maximum)
    throw schemaFault(`${path}.maximum`, `expected at least minimum (${minimum})`, maximum);
  return defined({
    minimum,
    maximum,
    exclusiveMinimum: bound('exclusiveMinimum'),
    exclusiveMaximum: bound('exclusiveMaximum'),
  });
}

function multiple(value: unknown, path: string): number | undefined {
  return wholeNumber(value, path, 1, largestMultiple);
}

/** @returns undefined when no value of the list has the type */
export function parseEnum(schema: SchemaRecord, path: string): AnswerSchema | undefined {
  const rest = withoutNotes(schema);
  const other = Object.keys(rest).find((keyword) => !['type', 'enum', 'const', 'format'].includes(keyword));
  if (other !== undefined)
    throw schemaFault(`${path}.${other}`, 'expected no other keyword beside enum', other);
  const options = rest.enum ?? [rest.const];
  if (!Array.isArray(options) || options.length === 0 || options.length > schemaLimits.options)
    throw schemaFault(`${path}.enum`, `expected a list of 1 to ${schemaLimits.options} values`, options);
  const constant = 'const' in rest ? JSON.stringify(rest.const) : undefined;
  const types = rest.type === undefined ? undefined : [rest.type].flat();
  const fitting = options.filter(
    (value) =>
      (constant === undefined || JSON.stringify(value) === constant) &&
      (types === undefined || types.some((type) => hasType(value, type))),
  );
  return fitting.length > 0 ? { enum: fitting } : undefined;
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}
