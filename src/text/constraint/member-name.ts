import { type BytePattern, byteRange, either, literal, repeat, sequence } from './byte-pattern';

const letter = either(byteRange(0x41, 0x5a), byteRange(0x5f, 0x5f), byteRange(0x61, 0x7a));
const character = either(letter, byteRange(0x30, 0x39));

const longestName = 32;

/** Names that models write: of letters, digits and `_`. */
const isName = /^[A-Za-z_]\w*$/;

/** A property's name, with quotes, that is none of the given: JSON's readers keep the last of two equal names. */
export function nameOtherThan(names: readonly string[]): BytePattern {
  const excluded = names.filter((name) => isName.test(name) && name.length <= longestName);
  return sequence(literal('"'), otherThan(excluded, 0), literal('"'));
}

/** @param names that share their first `length` characters, which are written */
function otherThan(names: readonly string[], length: number): BytePattern {
  const options: BytePattern[] = [];
  // The name may end here.
  if (length > 0 && !names.some((name) => name.length === length)) options.push(sequence());
  if (length === longestName) return either(...options);
  const next = new Set(names.flatMap((name) => name[length] ?? []));
  const rest = repeat(character, 0, longestName - length - 1);
  for (const [from, to] of freeRanges(next, length === 0)) options.push(sequence(byteRange(from, to), rest));
  for (const each of next) {
    const same = names.filter((name) => name[length] === each);
    options.push(sequence(literal(each), otherThan(same, length + 1)));
  }
  return either(...options);
}

function freeRanges(taken: ReadonlySet<string>, isFirst: boolean): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
    ...(isFirst ? [] : [[0x30, 0x39] as const]),
  ];
  return ranges.flatMap(([from, to]) => {
    const free: (readonly [number, number])[] = [];
    for (let code = from; code <= to; code++) {
      if (!taken.has(String.fromCharCode(code))) free.push([code, code]);
    }
    return free.length === to - from + 1 ? [[from, to] as const] : free;
  });
}
