import { cosine } from '../../system/cosine';

/** Agreement of a stage's output with the reference. */
export interface Agreement {
  /** Cosine of the angle between the two as vectors; NaN when a value is not a number. */
  readonly cosine: number;
  readonly maxAbsError: number;
}

/** Compares in double precision. @throws RangeError for different lengths */
export function agreement(values: Float32Array, reference: Float32Array): Agreement {
  const angle = cosine(values, reference);
  let maxAbsError = 0;
  for (let index = 0; index < values.length; index++) {
    maxAbsError = Math.max(maxAbsError, Math.abs((values[index] ?? 0) - (reference[index] ?? 0)));
  }
  return { cosine: angle, maxAbsError };
}
