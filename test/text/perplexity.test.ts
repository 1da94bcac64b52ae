import assert from 'node:assert/strict';
import { ContextPool } from '../../src/text/context-pool';
import { predictText, topOneAgreement } from '../../src/text/perplexity';
import type { TokenEmbeddings } from '../../src/text/token-embeddings';
import { CountingDecoder } from './counting-decoder';

const embeddings = {
  rows: async (ids: readonly number[]) => Float32Array.from(ids),
} as unknown as TokenEmbeddings;

/** Each token after the first is the one that the decoder finds most likely. */
function expectedText(length: number): number[] {
  const ids = [1];
  while (ids.length < length) ids.push(ids.reduce((sum, id) => sum + id, 0) % 10);
  return ids;
}

function predict(ids: readonly number[], margin = 3) {
  const decoder = new CountingDecoder(10, margin);
  return predictText(new ContextPool(decoder).take([]), ids, embeddings);
}

describe('perplexity of a text', () => {
  it('is exp of the mean negative log probability of each token', async () => {
    const { tokens, perplexity, mostLikely } = await predict(expectedText(20));
    assert.deepEqual([tokens, mostLikely.length], [19, 19]);
    // softmax over one logit of 3 and nine of 0
    assert.ok(Math.abs(perplexity - (Math.exp(3) + 9) / Math.exp(3)) < 1e-6, String(perplexity));
  });

  it('is the vocabulary’s size for a decoder without a preference', async () => {
    const { perplexity } = await predict([1, 5, 2, 9, 4], 0);
    assert.ok(Math.abs(perplexity - 10) < 1e-6);
  });

  it('counts every token once across pieces', async () => {
    const ids = expectedText(600);
    const { tokens, mostLikely } = await predict(ids);
    assert.equal(tokens, 599);
    assert.deepEqual(mostLikely, ids.slice(1));
  });

  it('compares the most likely tokens of two predictions', async () => {
    const one = await predict(expectedText(5));
    assert.equal(topOneAgreement(one, one), 1);
    const other = { ...one, mostLikely: one.mostLikely.with(0, 99) };
    assert.equal(topOneAgreement(one, other), 0.75);
  });

  it('needs two tokens', async () => {
    await assert.rejects(predict([1]), { code: 'perplexity-text' });
  });
});
