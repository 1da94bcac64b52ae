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

  it('leaves a narrow int8 decoder in float32', () => {
    assert.deepEqual(formats('int8', narrow), Array(4).fill('float32'));
    assert.equal(headWeights('int8', narrow), 'float32');
    assert.equal(isRotated('int8', narrow), false);
    assert.deepEqual(formats('int4', narrow), ['fine', 'small', 'small', 'fine']);
    assert.deepEqual(formats('int8', { ...narrow, hiddenSize: 256 }), Array(4).fill('fine'));
  });
});
