/** Code points, both ends included. */
export type CharacterRange = readonly [from: number, to: number];

/** All characters: surrogates are halves of characters. */
export const everyCharacter: readonly CharacterRange[] = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
];

const digits: readonly CharacterRange[] = [[0x30, 0x39]];
const word: readonly CharacterRange[] = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
/** ECMAScript's WhiteSpace and LineTerminator. */
const space: readonly CharacterRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];

/** What `\d`, `\W` … match; undefined for other letters. */
export function characterClass(letter: string): readonly CharacterRange[] | undefined {
  const known = { d: digits, w: word, s: space }[letter.toLowerCase()];
  return known && (letter === letter.toLowerCase() ? known : without(everyCharacter, known));
}

/** The characters of both. */
export function common(some: readonly CharacterRange[], others: readonly CharacterRange[]): CharacterRange[] {
  const ranges: CharacterRange[] = [];
  for (const [from, to] of some) {
    for (const [low, high] of others) {
      const [first, last] = [Math.max(from, low), Math.min(to, high)];
      if (first <= last) ranges.push([first, last]);
    }
  }
  return ranges;
}

/** The characters of `all` that are not among the others. */
export function without(all: readonly CharacterRange[], others: readonly CharacterRange[]): CharacterRange[] {
  const sorted = [...others].sort((a, b) => a[0] - b[0]);
  const rest: CharacterRange[] = [];
  let next = 0;
  for (const [from, to] of sorted) {
    if (from > next) rest.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= 0x10ffff) rest.push([next, 0x10ffff]);
  return common(all, rest);
}
