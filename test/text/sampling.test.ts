import assert from 'node:assert/strict';
import { greedyToken, logProbability, logSumExp } from '../../src/text/probability';
import { tokenChooser } from '../../src/text/sampling';

const logits = Float32Array.of(0, 3, 1, 3, -50);

function draws(options: Parameters<typeof tokenChooser>[0], count: number): number[] {
  const choose = tokenChooser(options);
  return Array.from({ length: count }, () => choose(logits));
}

describe('tokenChooser', () => {
  it('chooses the likeliest token at temperature 0, the lower id of two equal ones', () => {
    assert.equal(greedyToken(logits), 1);
    assert.deepEqual(draws({}, 3), [1, 1, 1]);
  });

  it('draws the same tokens for the same seed, others for another', () => {
    const options = { temperature: 1, seed: 7 };
    assert.deepEqual(draws(options, 50), draws(options, 50));
    assert.notDeepEqual(draws(options, 50), draws({ ...options, seed: 8 }, 50));
  });

  it('draws each token about as often as softmax says', () => {
    const counts = [0, 0, 0, 0, 0];
    for (const id of draws({ temperature: 1, seed: 1 }, 20_000)) counts[id] = (counts[id] as number) + 1;
    for (const [id, count] of counts.entries()) {
      const expected = Math.exp(logProbability(logits, id));
      assert.ok(
        Math.abs(count / 20_000 - expected) < 0.015,
        `token ${id}: ${count / 20_000} for ${expected}`,
      );
    }
  });

  it('stays among the likeliest tokens that have topP together', () => {
    assert.deepEqual(new Set(draws({ temperature: 1, topP: 0.6, seed: 3 }, 500)), new Set([1, 3]));
    assert.deepEqual(new Set(draws({ temperature: 1, topP: 0.01, seed: 3 }, 500)), new Set([1]));
  });

  it('refuses logits that are not numbers, greedy, sampled or scored', () => {
    const all = new Float32Array(5).fill(Number.NaN);
    const one = Float32Array.of(Number.NaN, 3, 1, 3, -50);
    const none = new Float32Array(5).fill(Number.NEGATIVE_INFINITY);
    for (const row of [all, none]) {
      assert.throws(() => greedyToken(row), { code: 'caption-logits' });
      assert.throws(() => tokenChooser({ temperature: 1 })(row), { code: 'caption-logits' });
    }
    for (const row of [all, one, none]) {
      assert.throws(() => logProbability(row, 1), { code: 'caption-logits' });
    }
    assert.equal(greedyToken(one), 1);
  });

  it('computes probabilities for logits that would overflow exp', () => {
    const huge = Float32Array.of(1000, 1001);
    assert.ok(Math.abs(logSumExp(huge) - (1001 + Math.log(1 + Math.exp(-1)))) < 1e-9);
  });
});
