import type { StringSchema } from '../../protocol/schema/answer-schema';
import { type CharacterRange, common } from '../../protocol/schema/character-ranges';
import { stringFormats } from '../../protocol/schema/string-formats';
import { parseStringPattern, type StringPattern } from '../../protocol/schema/string-pattern';
import { type BytePattern, byteRange, either, literal, repeat, sequence } from './byte-pattern';
import { CharacterAutomaton, intersection } from './character-automaton';

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
  sequence(byteRange(0xe0, 0xe0), byteRange(0xa0, 0xbf), continuation),
  sequence(either(byteRange(0xe1, 0xec), byteRange(0xee, 0xef)), continuation, continuation),
  sequence(byteRange(0xed, 0xed), byteRange(0x80, 0x9f), continuation),
  sequence(byteRange(0xf0, 0xf0), byteRange(0x90, 0xbf), continuation, continuation),
  sequence(byteRange(0xf1, 0xf3), continuation, continuation, continuation),
  sequence(byteRange(0xf4, 0xf4), byteRange(0x80, 0x8f), continuation, continuation),
);

/** The JSON strings of a schema, quotes included. */
export function jsonString({ minLength = 0, maxLength, pattern, format }: StringSchema): BytePattern {
  const patterns = [
    ...(pattern === undefined ? [] : [parseStringPattern(pattern)]),
    ...(format === undefined ? [] : [parseStringPattern(stringFormats[format])]),
  ];
  const [only, ...others] = patterns;
  const characters = !only
    ? repeat(stringCharacter, minLength, maxLength)
    : others.length === 0 && keepsLength(only, minLength, maxLength)
      ? bytesOf(only)
      : intersection(
          patterns.map((each) => new CharacterAutomaton(each)),
          { minLength, maxLength },
          charactersOf,
        );
  return sequence(literal('"'), characters, literal('"'));
}

function bytesOf(pattern: StringPattern): BytePattern {
  switch (pattern.kind) {
    case 'set':
      return charactersOf(pattern.ranges);
    case 'sequence':
      return sequence(...pattern.parts.map(bytesOf));
    case 'either':
      return either(...pattern.options.map(bytesOf));
    case 'repeat':
      return repeat(bytesOf(pattern.part), pattern.min, pattern.max);
  }
}

function keepsLength(
  pattern: StringPattern,
  minLength: number,
  maxLength = Number.POSITIVE_INFINITY,
): boolean {
  const [least, most] = lengths(pattern);
  return least >= minLength && most <= maxLength;
}

function lengths(pattern: StringPattern): readonly [least: number, most: number] {
  switch (pattern.kind) {
    case 'set':
      return [1, 1];
    case 'sequence':
      return pattern.parts
        .map(lengths)
        .reduce<readonly [number, number]>(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    case 'either': {
      const all = pattern.options.map(lengths);
      return [Math.min(...all.map(([least]) => least)), Math.max(...all.map(([, most]) => most))];
    }
    case 'repeat': {
      const [least, most] = lengths(pattern.part);
      const times = pattern.max ?? Number.POSITIVE_INFINITY;
      return [least * pattern.min, most === 0 || times === 0 ? 0 : most * times];
    }
  }
}

const shortEscapes: readonly (readonly [code: number, escape: string])[] = [
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
];

/** Code points that stand for themselves in a JSON string, with the same number of bytes in UTF-8. */
const encodings: readonly CharacterRange[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
];

/** One of these characters, as JSON writes it. */
function charactersOf(ranges: readonly CharacterRange[]): BytePattern {
  const escapes = shortEscapes.filter(([code]) => ranges.some(([from, to]) => from <= code && code <= to));
  const plain = common(encodings, ranges).map(([from, to]) => utf8Range(utf8(from), utf8(to)));
  return either(...plain, ...escapes.map(([, text]) => literal(text)));
}

function utf8(code: number): number[] {
  return [...Buffer.from(String.fromCodePoint(code), 'utf8')];
}

/** Characters from one to another, whose encodings have the same length. */
function utf8Range(from: readonly number[], to: readonly number[]): BytePattern {
  const [low = 0, ...lowRest] = from;
  const [high = 0, ...highRest] = to;
  if (lowRest.length === 0) return byteRange(low, high);
  if (low === high) return sequence(byteRange(low, low), utf8Range(lowRest, highRest));
  const least = lowRest.map(() => 0x80);
  const most = highRest.map(() => 0xbf);
  const options: BytePattern[] = [];
  const lowIsEven = lowRest.every((byte) => byte === 0x80);
  const highIsEven = highRest.every((byte) => byte === 0xbf);
  if (!lowIsEven) options.push(sequence(byteRange(low, low), utf8Range(lowRest, most)));
  const [first, last] = [lowIsEven ? low : low + 1, highIsEven ? high : high - 1];
  if (first <= last) options.push(sequence(byteRange(first, last), ...least.map(() => continuation)));
  if (!highIsEven) options.push(sequence(byteRange(high, high), utf8Range(least, highRest)));
  return either(...options);
}
