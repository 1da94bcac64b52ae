/** Decimals of the numbers that are written. */
export const decimals = 6;

const scale = 10n ** BigInt(decimals);

/** Fifteen digits: every such integer is exact in a double. */
const largest = 999_999_999_999_999n * scale;

export interface NumberBounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** A range in millionths, both ends included; empty when `least` is larger than `most`. */
export interface DecimalRange {
  readonly least: bigint;
  readonly most: bigint;
}

/** The numbers of at most six decimals and fifteen digits between the bounds. */
export function decimalRange(bounds: NumberBounds): DecimalRange {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = bounds;
  const lows = [-largest];
  const highs = [largest];
  if (minimum !== undefined) lows.push(millionths(minimum, 'up').value);
  if (maximum !== undefined) highs.push(millionths(maximum, 'down').value);
  if (exclusiveMinimum !== undefined) {
    const { value, exact } = millionths(exclusiveMinimum, 'up');
    lows.push(exact ? value + 1n : value);
  }
  if (exclusiveMaximum !== undefined) {
    const { value, exact } = millionths(exclusiveMaximum, 'down');
    highs.push(exact ? value - 1n : value);
  }
  return {
    least: lows.reduce((a, b) => (b > a ? b : a)),
    most: highs.reduce((a, b) => (b < a ? b : a)),
  };
}

/** A number's shortest decimal form in millionths, rounded. */
function millionths(
  number: number,
  round: 'up' | 'down',
): { readonly value: bigint; readonly exact: boolean } {
  const [mantissa = '0', exponent = '0'] = number.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.replace('-', '').split('.');
  const shift = Number(exponent) - fraction.length + decimals;
  const digits = BigInt(whole + fraction);
  const sign = number < 0 ? -1n : 1n;
  if (shift >= 0) return { value: sign * digits * 10n ** BigInt(shift), exact: true };
  const divisor = 10n ** BigInt(-shift);
  const [quotient, rest] = [digits / divisor, digits % divisor];
  const away = rest > 0n && (round === 'up') === number > 0;
  return { value: sign * (away ? quotient + 1n : quotient), exact: rest === 0n };
}
