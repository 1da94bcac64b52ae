import assert from 'node:assert/strict';
import { makeProductSample, readProductSample } from '../../../src/inference/cpu/product-sample';

describe('the sample of products', () => {
  it('is in the package as it is computed', async () => {
    const [stored, made] = [await readProductSample(), await makeProductSample()];
    assert.equal(stored.float32Product, 'MatMul');
    assert.deepEqual({ ...stored, model: [...stored.model] }, { ...made, model: [...made.model] });
  });
});
