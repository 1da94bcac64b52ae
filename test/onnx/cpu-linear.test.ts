import assert from 'node:assert/strict';
import { terms, worstProduct } from './worst-product';

describe('linearLayer in int8', () => {
  it('does not saturate on this CPU with the largest possible weights and activations', async () => {
    const product = await worstProduct(true);
    assert.ok(Math.abs(product - terms) < 1e-3 * terms, `${product} in place of ${terms}`);
  });
});
