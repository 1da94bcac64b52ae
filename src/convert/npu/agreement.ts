/** How well a stage's output agrees with the reference. */
export interface Agreement {
  /** Of the angle between the two, taken as vectors; NaN when a value is no number. */
  readonly cosine: number;
  readonly maxAbsError: number;
}

/** Compares in double precision. @throws RangeError for different lengths */
export function agreement(values: Float32Array, reference: Float32Array): Agreement {
  if (values.length !== reference.length) {
    throw new RangeError(`expected ${reference.length} values, received ${values.length}`);
  }
  let dot = 0;
  let squares = 0;
  let referenceSquares = 0;
  let maxAbsError = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    const expected = reference[index] ?? 0;
    dot += value * expected;
    squares += value * value;
    referenceSquares += expected * expected;
    maxAbsError = Math.max(maxAbsError, Math.abs(value - expected));
  }
  return { cosine: dot / Math.sqrt(squares * referenceSquares), maxAbsError };
}
