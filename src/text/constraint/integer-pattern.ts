import {
  type BytePattern,
  byteRange,
  either,
  type GraphNode,
  graph,
  literal,
  repeat,
  sequence,
} from './byte-pattern';

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

/** Multiples of a whole number in a range, both ends included. */
export function multiplePattern(minimum: number, maximum: number, multipleOf: number): BytePattern {
  const options: BytePattern[] = [];
  if (maximum >= 0) options.push(...multiplesByLength(Math.max(0, minimum), maximum, multipleOf));
  if (minimum < 0) {
    const negative = multiplesByLength(Math.max(1, -maximum), -minimum, multipleOf);
    options.push(sequence(literal('-'), either(...negative)));
  }
  return either(...options);
}

/** Remainders of multiples with more digits than fit into this many nodes are not followed. */
const mostNodes = 6_000;

function multiplesByLength(least: number, most: number, multipleOf: number): BytePattern[] {
  const patterns: BytePattern[] = [];
  const longest = Math.max(String(least).length, Math.ceil(Math.sqrt((2 * mostNodes) / multipleOf)));
  for (let digits = String(least).length; digits <= Math.min(longest, String(most).length); digits++) {
    const low = Math.max(least, digits === 1 ? 0 : 10 ** (digits - 1));
    const high = Math.min(most, 10 ** digits - 1);
    patterns.push(multiplesOfLength(String(low), String(high), multipleOf));
  }
  return patterns;
}

/** Follows the remainder, and whether the digits so far are those of the lowest or the highest number. */
function multiplesOfLength(low: string, high: string, multipleOf: number): BytePattern {
  const nodes: { accepts: boolean; edges: { pattern: BytePattern; target: number }[] }[] = [];
  const known = new Map<string, number>();
  const nodeOf = (length: number, remainder: number, isLow: boolean, isHigh: boolean): number => {
    const key = `${length}:${remainder}:${isLow}:${isHigh}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const accepts = length === low.length && remainder === 0;
    const node = nodes.push({ accepts, edges: [] }) - 1;
    known.set(key, node);
    if (length === low.length) return node;
    const [from, to] = [isLow ? Number(low[length]) : 0, isHigh ? Number(high[length]) : 9];
    for (let digit = from; digit <= to; digit++) {
      const next = (remainder * 10 + digit) % multipleOf;
      const target = nodeOf(length + 1, next, isLow && digit === from, isHigh && digit === to);
      nodes[node]?.edges.push({ pattern: digitPatterns[digit] as BytePattern, target });
    }
    return node;
  };
  nodeOf(0, 0, true, true);
  return graph(nodes satisfies readonly GraphNode[]);
}

const digitPatterns = Array.from({ length: 10 }, (_, digit) => byteRange(zero + digit, zero + digit));
