import { type BytePattern, byteRange, either, literal, repeat, sequence } from './byte-pattern';

const zero = 48;

/** Decimal integers of a range, both ends included, without leading zeros: `-12`, `0`, `7`. */
export function integerPattern(minimum: number, maximum: number): BytePattern {
  const options: BytePattern[] = [];
  if (maximum >= 0) options.push(...byLength(Math.max(0, minimum), maximum));
  if (minimum < 0) {
    const negative = either(...byLength(Math.max(1, -maximum), -minimum));
    options.push(sequence(literal('-'), negative));
  }
  return either(...options);
}

/** 0 ≤ least ≤ most, a pattern for each number of digits. */
function byLength(least: number, most: number): BytePattern[] {
  const patterns: BytePattern[] = [];
  for (let digits = String(least).length; digits <= String(most).length; digits++) {
    const low = Math.max(least, digits === 1 ? 0 : 10 ** (digits - 1));
    const high = Math.min(most, 10 ** digits - 1);
    patterns.push(sameLength(String(low), String(high)));
  }
  return patterns;
}

/** Numbers from `low` to `high`, written with as many digits as both. */
function sameLength(low: string, high: string): BytePattern {
  const rest = low.length - 1;
  const [first, last] = [Number(low[0]), Number(high[0])];
  const everyDigit = (from: number, to: number): BytePattern =>
    sequence(byteRange(zero + from, zero + to), repeat(byteRange(zero, zero + 9), rest, rest));
  const lowIsEven = low.slice(1) === '0'.repeat(rest);
  const highIsEven = high.slice(1) === '9'.repeat(rest);
  if (lowIsEven && highIsEven) return everyDigit(first, last);
  if (first === last) return sequence(literal(String(first)), sameLength(low.slice(1), high.slice(1)));
  const options: BytePattern[] = [];
  if (!lowIsEven) options.push(sequence(literal(String(first)), sameLength(low.slice(1), '9'.repeat(rest))));
  const [from, to] = [lowIsEven ? first : first + 1, highIsEven ? last : last - 1];
  if (from <= to) options.push(everyDigit(from, to));
  if (!highIsEven) options.push(sequence(literal(String(last)), sameLength('0'.repeat(rest), high.slice(1))));
  return either(...options);
}
