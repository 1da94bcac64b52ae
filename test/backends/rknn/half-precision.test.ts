import assert from 'node:assert/strict';
import { fromHalf, toHalf } from '../../../src/backends/rknn/half-precision';

describe('half precision', () => {
  const half = (value: number): number => {
    const out = new Uint16Array(1);
    toHalf(Float32Array.of(value), out);
    return out[0]!;
  };

  it('returns every half-precision value unchanged', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, index) => index);
    const values = fromHalf(all);
    const back = new Uint16Array(65_536);
    toHalf(values, back);
    for (const [index, value] of values.entries()) {
      if (Number.isNaN(value)) assert.ok((back[index]! & 0x7fff) > 0x7c00);
      else assert.equal(back[index], index, `${value}`);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    // IEEE 754: 2049 lies between 2048 and 2050, 2051 between 2050 and 2052.
    for (const [value, bits] of [
      [2049, 0x6800],
      [2051, 0x6802],
      [2049.01, 0x6801],
      [65_504, 0x7bff],
      [65_519.9, 0x7bff],
      [65_520, 0x7c00],
      [-65_520, 0xfc00],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [2 ** -25 * 1.01, 1],
      [3 * 2 ** -25, 2],
      [2 ** -14 - 2 ** -25, 0x0400],
      [-0, 0x8000],
    ] as const) {
      assert.equal(half(value), bits, `${value}`);
    }
  });
});
