import assert from 'node:assert/strict';
import { ContextPool } from '../../src/text/context-pool';
import { prefill } from '../../src/text/prefill';
import { CountingDecoder } from './counting-decoder';

describe('prefill', () => {
  const prompt = (tokens: number) => ({
    rows: new Float32Array(tokens).fill(1),
    keys: Array.from({ length: tokens }, (_, place) => `${place}`),
  });

  it('lets the cache grow once for all pieces of a prompt and the beginning of its answer', async () => {
    const decoder = new CountingDecoder();
    const pooled = new ContextPool(decoder).take([]);
    await prefill(pooled, prompt(600));
    for (let step = 0; step < 64; step++) await pooled.context.append(new Float32Array(1));
    assert.deepEqual(decoder.growths, [664]);
  });

  it('appends only what the context does not hold', async () => {
    const decoder = new CountingDecoder();
    const pool = new ContextPool(decoder);
    const first = pool.take([]);
    await prefill(first, prompt(300));
    pool.give(first);
    const next = pool.take(prompt(310).keys);
    await prefill(next, prompt(310));
    assert.equal(decoder.appendedRows, 310);
  });
});
