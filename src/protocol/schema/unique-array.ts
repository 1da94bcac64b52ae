import type { AnswerSchema, ArraySchema } from './answer-schema';
import { schemaFault } from './schema-faults';

/** Integers of a range that are listed one by one. */
const mostIntegers = 64;

/** Unique strings are written with different first letters. */
const mostStrings = 36;

/**
 * The arrays of a schema in which no two items are equal.
 * @returns undefined when there are none
 * @throws SmolvlmError `request-json-schema` for items that have no list and are not strings
 */
export function uniqueArray(array: ArraySchema, path: string): AnswerSchema | undefined {
  const { prefixItems = [], items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = array;
  if (maxItems <= 1) return array;
  if (prefixItems.length > 0) throw fault(path, array);
  const listed = valuesOf(items);
  if (listed) {
    const values = distinct(listed);
    if (minItems > values.length) return undefined;
    const { maxItems: _, ...unbounded } = array;
    // Different items are at most as many as there are values: another bound would only be counted for nothing.
    return { ...(maxItems >= values.length ? unbounded : array), items: { enum: values }, unique: true };
  }
  const isPlain = 'type' in items && items.type === 'string' && !items.pattern && !items.format;
  if (!isPlain) throw fault(path, array);
  if (items.maxLength === 0 && minItems > 1) return undefined;
  if (minItems > mostStrings)
    throw schemaFault(`${path}.minItems`, `expected at most ${mostStrings} unique strings`, minItems);
  return { ...array, unique: true };
}

/** All values of a schema that has few. */
function valuesOf(schema: AnswerSchema): readonly unknown[] | undefined {
  if ('enum' in schema) return schema.enum;
  if ('anyOf' in schema) {
    const all = schema.anyOf.map(valuesOf);
    return all.some((values) => !values) ? undefined : all.flatMap((values) => values ?? []);
  }
  if (schema.type === 'boolean') return [false, true];
  if (schema.type !== 'integer') return undefined;
  const { minimum, maximum, multipleOf: step = 1 } = schema;
  if (minimum === undefined || maximum === undefined || (maximum - minimum) / step >= mostIntegers)
    return undefined;
  const first = Math.ceil(minimum / step);
  return Array.from({ length: Math.floor(maximum / step) - first + 1 }, (_, index) => (first + index) * step);
}

/** Objects are equal whatever the order of their properties. */
function distinct(values: readonly unknown[]): unknown[] {
  return [...new Map(values.map((value) => [sortedText(value), value])).values()];
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function fault(path: string, { items }: ArraySchema): Error {
  return schemaFault(
    `${path}.uniqueItems`,
    'expected items that are listed (enum, boolean, a short range of integers) or strings without pattern and format',
    items,
  );
}
