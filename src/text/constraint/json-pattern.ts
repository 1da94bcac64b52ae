import type { AnswerSchema, ArraySchema, ObjectSchema } from '../../protocol/schema/answer-schema';
import { type BytePattern, either, literal, optional, repeat, sequence } from './byte-pattern';
import { integerPattern, multiplePattern } from './integer-pattern';
import { jsonString } from './json-string';
import { nameOtherThan } from './member-name';
import { numberPattern } from './number-pattern';
import { uniqueItems } from './unique-items';

/** Fifteen digits are exact in a double. */
const largestInteger = 999_999_999_999_999;

/** JSON on one line, as models write it: at most one space after `:` and `,`. */
const space = optional(literal(' '));
const comma = sequence(literal(','), space);

/** The answers that fit a schema, as bytes; a space may come first, as after `Assistant:`. */
export function jsonPattern(schema: AnswerSchema): BytePattern {
  return sequence(space, valuePattern(schema, new Map()));
}

/** @param known patterns of schemas that stand in several places: each is made once */
function valuePattern(schema: AnswerSchema, known: Map<AnswerSchema, BytePattern>): BytePattern {
  const found = known.get(schema);
  if (found) return found;
  const pattern = newPattern(schema, known);
  known.set(schema, pattern);
  return pattern;
}

function newPattern(schema: AnswerSchema, known: Map<AnswerSchema, BytePattern>): BytePattern {
  if ('anyOf' in schema) return either(...schema.anyOf.map((option) => valuePattern(option, known)));
  if ('enum' in schema) return either(...schema.enum.map((option) => literal(JSON.stringify(option))));
  switch (schema.type) {
    case 'string':
      return jsonString(schema);
    case 'integer': {
      const { minimum = -largestInteger, maximum = largestInteger, multipleOf } = schema;
      return multipleOf === undefined
        ? integerPattern(minimum, maximum)
        : multiplePattern(minimum, maximum, multipleOf);
    }
    case 'number':
      return numberPattern(schema);
    case 'boolean':
      return either(literal('true'), literal('false'));
    case 'array':
      return arrayPattern(schema, known);
    case 'object':
      return objectPattern(schema, known);
  }
}

function arrayPattern(array: ArraySchema, known: Map<AnswerSchema, BytePattern>): BytePattern {
  const { prefixItems = [], items, minItems = 0, maxItems } = array;
  if (maxItems === 0) return literal('[]');
  if (array.unique) return uniqueItems(array, comma);
  const item = valuePattern(items, known);
  const [least, most] = [
    minItems - prefixItems.length,
    (maxItems ?? Number.POSITIVE_INFINITY) - prefixItems.length,
  ];
  const further = (given: number): BytePattern => {
    const max = Number.isFinite(most) ? Math.max(0, most - given) : undefined;
    return repeat(sequence(comma, item), Math.max(0, least - given), max);
  };
  if (prefixItems.length === 0) {
    const all = sequence(item, further(1));
    return sequence(literal('['), minItems === 0 ? optional(all) : all, literal(']'));
  }
  // From the last item to the first: what follows an item is optional once there are enough.
  let rest = further(0);
  for (const [index, schema] of [...prefixItems.entries()].reverse()) {
    const each = sequence(...(index > 0 ? [comma] : []), valuePattern(schema, known), rest);
    rest = index >= minItems ? optional(each) : each;
  }
  return sequence(literal('['), rest, literal(']'));
}

/** The properties in the order of the schema, optional ones or not, then others. */
function objectPattern(
  { properties, required, additionalProperties }: ObjectSchema,
  known: Map<AnswerSchema, BytePattern>,
): BytePattern {
  const names = Object.keys(properties);
  const members = Object.entries(properties).map(([name, schema]) => ({
    isRequired: required === undefined || required.includes(name),
    pattern: member(literal(JSON.stringify(name)), valuePattern(schema, known)),
  }));
  if (additionalProperties !== undefined) {
    const other = member(nameOtherThan(names), valuePattern(additionalProperties, known));
    const more = sequence(other, repeat(sequence(comma, other), 0));
    members.push({ isRequired: false, pattern: more });
  }
  // From the last member to the first, `rest` is what may follow when a member stands before it, `first` when none does.
  let rest: BytePattern = sequence();
  let first: BytePattern = sequence();
  for (const { isRequired, pattern } of members.reverse()) {
    const written = sequence(pattern, rest);
    const following = sequence(comma, written);
    first = isRequired ? written : either(written, first);
    rest = isRequired ? following : either(following, rest);
  }
  return sequence(literal('{'), first, literal('}'));
}

function member(name: BytePattern, value: BytePattern): BytePattern {
  return sequence(name, literal(':'), space, value);
}
