/**
 * Cosine of the angle between two vectors of one length, in double precision.
 * @returns NaN when a value is NaN, or when all values of either are 0
 * @throws RangeError for different lengths
 */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError(`expected ${b.length} values, received ${a.length}`);
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let index = 0; index < a.length; index++) {
    const x = a[index] ?? 0;
    const y = b[index] ?? 0;
    dot += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return dot / Math.sqrt(squaresA * squaresB);
}
