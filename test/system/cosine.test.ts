import assert from 'node:assert/strict';
import { cosine } from '../../src/system/cosine';

const vector = (...values: number[]): Float32Array => Float32Array.from(values);

describe('cosine', () => {
  it('is 1 for one direction, 0 for a right angle, −1 for opposite directions', () => {
    assert.equal(cosine(vector(1, 2, 2), vector(2, 4, 4)), 1);
    assert.equal(cosine(vector(1, 0), vector(0, 5)), 0);
    assert.equal(cosine(vector(3, 4), vector(-3, -4)), -1);
  });

  it('is NaN where a value is NaN, or all of a vector is 0', () => {
    assert.ok(Number.isNaN(cosine(vector(1, Number.NaN), vector(1, 1))));
    assert.ok(Number.isNaN(cosine(vector(0, 0), vector(1, 1))));
  });

  it('refuses vectors of different lengths', () => {
    assert.throws(() => cosine(vector(1), vector(1, 2)), RangeError);
  });
});
