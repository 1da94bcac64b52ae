import assert from 'node:assert/strict';
import { LogitAdjustment } from '../../src/text/logit-adjustment';

const logits = Float32Array.from([1, 1, 1]);

describe('LogitAdjustment', () => {
  it('adds biases, and ignores ids beyond the vocabulary', () => {
    const adjustment = new LogitAdjustment({ logitBias: { 1: 2, 2: -100, 7: 5 } });
    assert.deepEqual([...adjustment.apply(logits)], [1, 3, -99]);
    assert.deepEqual([...logits], [1, 1, 1]);
  });

  it('penalises tokens that the answer contains, once and for each time', () => {
    const adjustment = new LogitAdjustment({ presencePenalty: 0.5, frequencyPenalty: 0.25 });
    assert.equal(adjustment.apply(logits), logits);
    adjustment.accept(0);
    adjustment.accept(0);
    adjustment.accept(2);
    assert.deepEqual([...adjustment.apply(logits)], [0, 1, 0.25]);
  });

  it('leaves the logits themselves where nothing is to change', () => {
    const adjustment = new LogitAdjustment({});
    adjustment.accept(1);
    assert.equal(adjustment.apply(logits), logits);
  });
});
