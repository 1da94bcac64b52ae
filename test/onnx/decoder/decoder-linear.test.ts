import assert from 'node:assert/strict';
import { headWeights, isRotated, layerWeights } from '../../../src/onnx/decoder/decoder-linear';

describe('layerWeights', () => {
  const wide = { layers: 30, hiddenSize: 576 };
  const narrow = { layers: 4, hiddenSize: 128 };
  const formats = (precision: 'int8' | 'int4', text: typeof wide) =>
    Array.from({ length: text.layers }, (_, layer) => layerWeights(precision, layer, text).gateUp);

  it('has finer blocks in the first and last fifteenth of the layers', () => {
    for (const [precision, inner] of [
      ['int8', 'wide'],
      ['int4', 'small'],
    ] as const) {
      const expected = ['fine', 'fine', ...Array(26).fill(inner), 'fine', 'fine'];
      assert.deepEqual(formats(precision, wide), expected);
    }
  });

  it('has blocks of 128 in the other weights of the inner layers and in the head, in int8 and int4', () => {
    for (const precision of ['int8', 'int4'] as const) {
      const others = Array.from({ length: 30 }, (_, layer) => layerWeights(precision, layer, wide).others);
      assert.deepEqual(others, ['fine', 'fine', ...Array(26).fill('wide'), 'fine', 'fine']);
      assert.equal(headWeights(precision, wide), 'wide');
    }
    assert.equal(layerWeights('int4', 1, narrow).others, 'fine');
    assert.equal(headWeights('int4', { hiddenSize: 511 }), 'fine');
  });

  it('leaves a narrow int8 decoder in float32', () => {
    assert.deepEqual(formats('int8', narrow), Array(4).fill('float32'));
    assert.equal(headWeights('int8', narrow), 'float32');
    assert.equal(isRotated('int8', narrow), false);
    assert.deepEqual(formats('int4', narrow), ['fine', 'small', 'small', 'fine']);
    assert.deepEqual(formats('int8', { ...narrow, hiddenSize: 256 }), Array(4).fill('fine'));
  });
});
