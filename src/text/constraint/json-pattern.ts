import type { AnswerSchema } from '../../protocol/answer-schema';
import { type BytePattern, byteRange, either, literal, optional, repeat, sequence } from './byte-pattern';
import { integerPattern } from './integer-pattern';

/** Fifteen digits are exact in a double. */
const largestInteger = 999_999_999_999_999;

const continuation = byteRange(0x80, 0xbf);

/**
 * A character of a JSON string: well-formed UTF-8 (Unicode, table 3-7), no control characters, and the short
 * escapes. `\u` is left out: any character it stands for can be written directly.
 */
const stringCharacter: BytePattern = either(
  byteRange(0x20, 0x21),
  byteRange(0x23, 0x5b),
  byteRange(0x5d, 0x7e),
  sequence(literal('\\'), either(...[...'"\\/bfnrt'].map(literal))),
  sequence(byteRange(0xc2, 0xdf), continuation),
  sequence(oneByte(0xe0), byteRange(0xa0, 0xbf), continuation),
  sequence(either(byteRange(0xe1, 0xec), byteRange(0xee, 0xef)), continuation, continuation),
  sequence(oneByte(0xed), byteRange(0x80, 0x9f), continuation),
  sequence(oneByte(0xf0), byteRange(0x90, 0xbf), continuation, continuation),
  sequence(byteRange(0xf1, 0xf3), continuation, continuation, continuation),
  sequence(oneByte(0xf4), byteRange(0x80, 0x8f), continuation, continuation),
);

/** JSON on one line, as models write it: at most one space after `:` and `,`. */
const space = optional(literal(' '));
const comma = sequence(literal(','), space);

/** The answers that fit a schema, as bytes; a space may come first, as after `Assistant:`. */
export function jsonPattern(schema: AnswerSchema): BytePattern {
  return sequence(space, valuePattern(schema));
}

function valuePattern(schema: AnswerSchema): BytePattern {
  if ('enum' in schema) return either(...schema.enum.map((option) => literal(JSON.stringify(option))));
  switch (schema.type) {
    case 'string':
      return sequence(literal('"'), repeat(stringCharacter, 0, schema.maxLength), literal('"'));
    case 'integer':
      return integerPattern(schema.minimum ?? -largestInteger, schema.maximum ?? largestInteger);
    case 'number':
      return numberPattern;
    case 'boolean':
      return either(literal('true'), literal('false'));
    case 'array':
      return arrayPattern(valuePattern(schema.items), schema.minItems ?? 0, schema.maxItems);
    case 'object':
      return objectPattern(schema.properties);
  }
}

/** At most six decimals: a model that has started a number may never end it. */
const numberPattern: BytePattern = sequence(
  integerPattern(-largestInteger, largestInteger),
  optional(sequence(literal('.'), repeat(byteRange(0x30, 0x39), 1, 6))),
);

function arrayPattern(item: BytePattern, min: number, max: number | undefined): BytePattern {
  if (max === 0) return literal('[]');
  const more = repeat(sequence(comma, item), Math.max(0, min - 1), max === undefined ? undefined : max - 1);
  const items = sequence(item, more);
  return sequence(literal('['), min === 0 ? optional(items) : items, literal(']'));
}

/** Every property, in the order of the schema. */
function objectPattern(properties: Readonly<Record<string, AnswerSchema>>): BytePattern {
  const members = Object.entries(properties).map(([name, schema], index) =>
    sequence(
      ...(index === 0 ? [] : [comma]),
      literal(`${JSON.stringify(name)}:`),
      space,
      valuePattern(schema),
    ),
  );
  return sequence(literal('{'), ...members, literal('}'));
}

function oneByte(byte: number): BytePattern {
  return byteRange(byte, byte);
}
