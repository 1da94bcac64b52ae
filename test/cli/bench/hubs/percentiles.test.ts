import assert from 'node:assert/strict';
import { percentiles } from '../../../../src/cli/bench/hubs/percentiles';

describe('percentiles', () => {
  it('are values that were measured', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    assert.deepEqual(percentiles(values), { p50: 100, p99: 198, max: 200 });
    assert.deepEqual(percentiles([7]), { p50: 7, p99: 7, max: 7 });
  });
});
