import { decimalRange, decimals, type NumberBounds } from '../../protocol/schema/decimal-range';
import { type BytePattern, byteRange, either, literal, optional, repeat, sequence } from './byte-pattern';
import { integerPattern } from './integer-pattern';

const scale = 10n ** BigInt(decimals);

/** From here on numbers are whole: with six decimals they would have more than fifteen digits. */
const whole = 1_000_000_000n * scale;

const zero = 0x30;
const digit = byteRange(zero, zero + 9);

/** Decimal numbers between bounds, at most six decimals: a model that has started a number may never end it. */
export function numberPattern(bounds: NumberBounds): BytePattern {
  const { least, most } = decimalRange(bounds);
  const options: BytePattern[] = [];
  if (most >= 0n) options.push(...unsigned(least > 0n ? least : 0n, most));
  if (least < 0n) {
    const negative = unsigned(most < 0n ? -most : 1n, -least);
    options.push(sequence(literal('-'), either(...negative)));
  }
  return either(...options);
}

/** @param least in millionths, as all below */
function unsigned(least: bigint, most: bigint): BytePattern[] {
  const options: BytePattern[] = [];
  if (least < whole) options.push(...withDecimals(least, most < whole ? most : whole - 1n));
  const first = least > whole ? (least + scale - 1n) / scale : whole / scale;
  const last = most / scale;
  if (first <= last) options.push(integerPattern(Number(first), Number(last)));
  return options;
}

function withDecimals(least: bigint, most: bigint): BytePattern[] {
  const [first, last] = [least / scale, most / scale];
  const [low, high] = [sixDigits(least % scale), sixDigits(most % scale)];
  if (first === last) return [sequence(literal(String(first)), fraction(isZero(low), between(low, high)))];
  const options = [
    sequence(literal(String(first)), fraction(isZero(low), atLeast(low))),
    sequence(literal(String(last)), fraction(true, atMost(high))),
  ];
  if (last - first > 1n) {
    const middle = integerPattern(Number(first + 1n), Number(last - 1n));
    options.push(sequence(middle, fraction(true, repeat(digit, 1, decimals))));
  }
  return options;
}

function fraction(isOptional: boolean, digits: BytePattern): BytePattern {
  const pattern = sequence(literal('.'), digits);
  return isOptional ? optional(pattern) : pattern;
}

/** Decimals from these on, one of them at least. */
function atLeast(low: string): BytePattern {
  if (isZero(low)) return repeat(digit, 1, low.length);
  const first = Number(low[0]);
  const rest = low.slice(1);
  return either(
    ...larger(first, 9, rest.length),
    sequence(literal(String(first)), isZero(rest) ? repeat(digit, 0, rest.length) : atLeast(rest)),
  );
}

/** Decimals up to these, one of them at least. */
function atMost(high: string): BytePattern {
  const first = Number(high[0]);
  const rest = high.slice(1);
  const same = literal(String(first));
  return either(
    ...(first > 0 ? [sequence(byteRange(zero, zero + first - 1), repeat(digit, 0, rest.length))] : []),
    rest === '' ? same : sequence(same, optional(atMost(rest))),
  );
}

function between(low: string, high: string): BytePattern {
  const [from, to] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (from === to) {
    const same = literal(String(from));
    if (lowRest === '') return same;
    const rest = between(lowRest, highRest);
    return sequence(same, isZero(lowRest) ? optional(rest) : rest);
  }
  const lowest = isZero(lowRest) ? repeat(digit, 0, lowRest.length) : atLeast(lowRest);
  return either(
    sequence(literal(String(from)), lowest),
    ...larger(from, to - 1, lowRest.length),
    sequence(literal(String(to)), highRest === '' ? sequence() : optional(atMost(highRest))),
  );
}

/** A digit above `low`, up to `high`, and any digits after it. */
function larger(low: number, high: number, more: number): BytePattern[] {
  if (low >= high) return [];
  return [sequence(byteRange(zero + low + 1, zero + high), repeat(digit, 0, more))];
}

function isZero(digits: string): boolean {
  return /^0*$/.test(digits);
}

function sixDigits(millionths: bigint): string {
  return String(millionths).padStart(decimals, '0');
}
