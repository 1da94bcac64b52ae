import assert from 'node:assert/strict';
import { lanczosKernel } from '../../../src/image/resize/lanczos-kernel';

describe('Lanczos kernel', () => {
  it('has weights that sum to one, within the rounding of each', () => {
    for (const [from, to] of [
      [640, 2048],
      [2048, 512],
      [3, 1],
      [1, 3],
      [5000, 17],
    ] as const) {
      const { taps, counts, weights } = lanczosKernel(from, to);
      for (let position = 0; position < to; position++) {
        const sum = weights.subarray(position * taps, (position + 1) * taps).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 2 ** 22) <= (counts[position] ?? 0) / 2, `${from} to ${to}, ${position}`);
      }
    }
  });

  it('stays inside the picture', () => {
    const { starts, counts } = lanczosKernel(37, 11);
    starts.forEach((start, position) => {
      assert.ok(start >= 0 && start + (counts[position] ?? 0) <= 37);
    });
  });

  it('is computed once for the pictures of a camera', () => {
    assert.equal(lanczosKernel(641, 512), lanczosKernel(641, 512));
  });
});
