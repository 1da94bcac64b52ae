import assert from 'node:assert/strict';
import { Rotation } from '../../src/onnx/rotation';
import { seededValues } from '../model/safetensors/memory-tensors';
import { relativeError } from '../vision/agreement';

describe('Rotation', () => {
  for (const width of [576, 48, 7, 64]) {
    it(`is orthogonal for ${width} channels`, () => {
      const matrix = new Rotation(width).matrix();
      for (let one = 0; one < width; one++) {
        for (let other = 0; other <= one; other++) {
          let product = 0;
          for (let channel = 0; channel < width; channel++) {
            product += matrix[one * width + channel]! * matrix[other * width + channel]!;
          }
          assert.ok(Math.abs(product - (one === other ? 1 : 0)) < 1e-6, `rows ${one} and ${other}`);
        }
      }
    });
  }

  it('multiplies rows by its matrix', () => {
    const [width, rows] = [48, 3];
    const rotation = new Rotation(width);
    const matrix = rotation.matrix();
    const values = seededValues(rows * width, 1);
    const expected = values.map((_, index) => {
      const [row, column] = [Math.floor(index / width), index % width];
      let sum = 0;
      for (let k = 0; k < width; k++) sum += values[row * width + k]! * matrix[k * width + column]!;
      return sum;
    });
    rotation.rotate(values);
    assert.ok(relativeError(values, expected) < 1e-6);
  });

  it('spreads one large channel over all channels', () => {
    const row = new Float32Array(576);
    row[100] = 576;
    new Rotation(576).rotate(row);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(largest < 40, `${largest}`);
  });
});
