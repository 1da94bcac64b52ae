import assert from 'node:assert/strict';
import { stageBlocks } from '../../src/onnx/cpu-linear';
import { terms, worstProduct } from './worst-product';

describe('linearLayer in int8', () => {
  it('has the largest blocks whose padding is at most a fiftieth', () => {
    const sizes = [768, 3072, 1152, 4304, 320, 96, 100].map((inner) => stageBlocks(inner).size);
    assert.deepEqual(sizes, [256, 256, 128, 256, 64, 32, 32]);
  });

  it('does not saturate in blocks either', async () => {
    const product = await worstProduct(true, 'blocks');
    assert.ok(Math.abs(product - terms) < 1e-3 * terms, `${product} in place of ${terms}`);
  });

  it('does not saturate on this CPU with the largest possible weights and activations', async () => {
    const product = await worstProduct(true);
    assert.ok(Math.abs(product - terms) < 1e-3 * terms, `${product} in place of ${terms}`);
  });
});
