import assert from 'node:assert/strict';
import { layerNorm, pixelShuffle } from '../../src/vision/connector';
import { addToRows, matrixProduct } from '../../src/vision/matrix-product';
import { extractPatches } from '../../src/vision/patch-embedding';
import { seededValues } from '../model/safetensors/memory-tensors';
import { linear } from '../onnx/run-graph';

describe('matrixProduct', () => {
  for (const [rows, inner, outs] of [
    [8, 16, 12],
    [7, 5, 3],
    [1, 9, 6],
    [5, 3, 9],
  ] as const) {
    it(`multiplies [${rows}, ${inner}] by [${outs}, ${inner}] transposed`, () => {
      const [x, w] = [seededValues(rows * inner, 1), seededValues(outs * inner, 2)];
      assert.deepEqual(matrixProduct(x, w, inner), linear(x, w, inner));
    });
  }

  it('adds the bias to every row', () => {
    const product = matrixProduct(Float32Array.of(1, 2), Float32Array.of(10, 20), 1, Float32Array.of(3, 4));
    assert.deepEqual(product, Float32Array.of(13, 24, 23, 44));
    const rows = Float32Array.of(1, 2, 3, 4);
    addToRows(rows, Float32Array.of(10, 20));
    assert.deepEqual(rows, Float32Array.of(11, 22, 13, 24));
  });
});

describe('extractPatches', () => {
  it('extracts patches row by row, each channel by channel', () => {
    // Two channels of 4 × 4 pixels numbered 0 … 31, patches of 2 × 2.
    const pixels = Float32Array.from({ length: 32 }, (_, index) => index);
    const patches = extractPatches(pixels, { channels: 2, imageSize: 4, patchSize: 2 });
    assert.deepEqual([...patches.subarray(0, 8)], [0, 1, 4, 5, 16, 17, 20, 21]);
    assert.deepEqual([...patches.subarray(8, 16)], [2, 3, 6, 7, 18, 19, 22, 23]);
    assert.deepEqual([...patches.subarray(24)], [10, 11, 14, 15, 26, 27, 30, 31]);
  });
});

describe('pixelShuffle', () => {
  it('joins each square of patches into one token, its rows one after the other', () => {
    // 4 × 4 patches of width 1, numbered.
    const patches = Float32Array.from({ length: 16 }, (_, index) => index);
    const tokens = pixelShuffle(patches, 1, 2);
    assert.deepEqual([...tokens], [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
  });
});

describe('layerNorm', () => {
  it('uses the given epsilon, which dominates for a faint row', () => {
    const row = Float32Array.of(1e-3, -1e-3);
    const one = Float32Array.of(1, 1);
    const zero = Float32Array.of(0, 0);
    const [first] = layerNorm(row, one, zero, 1e-6);
    assert.ok(Math.abs(first! - 1e-3 / Math.sqrt(2e-6)) < 1e-6);
  });
});
