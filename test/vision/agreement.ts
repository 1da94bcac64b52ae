import assert from 'node:assert/strict';
import { cosine } from '../cosine';

/** @returns largest absolute difference as a part of the reference's largest magnitude */
export function relativeError(values: Float32Array, reference: Float32Array): number {
  assert.equal(values.length, reference.length);
  let error = 0;
  let largest = 0;
  for (let index = 0; index < reference.length; index++) {
    error = Math.max(error, Math.abs(values[index]! - reference[index]!));
    largest = Math.max(largest, Math.abs(reference[index]!));
  }
  return error / largest;
}

/** The goldens' bound for float32 on a CPU. */
export function assertAgrees(name: string, values: Float32Array, reference: Float32Array): void {
  const [angle, error] = [cosine(values, reference), relativeError(values, reference)];
  assert.ok(angle >= 0.99999, `${name}: cosine ${angle}`);
  assert.ok(error <= 2e-3, `${name}: error ${error} of the largest value`);
}
