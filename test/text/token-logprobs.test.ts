import assert from 'node:assert/strict';
import { likeliest, TokenLogprobs } from '../../src/text/token-logprobs';

const words = ['\n', ' The', ' cat', '.', ' '];
const bytesOf = (id: number) => Buffer.from(words[id] ?? '');
const logits = Float32Array.from([0, 1, 2, 3, 4]);

describe('TokenLogprobs', () => {
  it('gives tokens whose texts add up to the answer without white space at its beginning', () => {
    const logprobs = new TokenLogprobs(4, bytesOf);
    for (const id of [0, 1, 2]) logprobs.add(logits, id);
    const taken = logprobs.take();
    assert.deepEqual(
      taken.map(({ token }) => token),
      ['The', ' cat'],
    );
    assert.deepEqual(taken[0]?.bytes, [...Buffer.from('The')]);
    assert.deepEqual(
      taken.map(({ top }) => top.map(({ token }) => token)),
      [
        [' ', '.', 'cat', 'The'],
        [' ', '.', ' cat', ' The'],
      ],
      'the others at the first place lose their space as well',
    );
    logprobs.add(logits, 1);
    assert.equal(logprobs.take()[0]?.token, ' The');
    assert.deepEqual(logprobs.take(), []);
  });

  it('keeps white space where the answer continues a text', () => {
    const logprobs = new TokenLogprobs(0, bytesOf, true);
    logprobs.add(logits, 1);
    assert.equal(logprobs.take()[0]?.token, ' The');
  });

  it('measures each token under softmax, with the likeliest ones, best first', () => {
    const logprobs = new TokenLogprobs(2, bytesOf);
    logprobs.add(logits, 3);
    const [only] = logprobs.take();
    const sum = Math.log([0, 1, 2, 3, 4].reduce((all, logit) => all + Math.exp(logit), 0));
    assert.ok(Math.abs((only?.logprob ?? 0) - (3 - sum)) < 1e-6);
    assert.deepEqual(
      only?.top.map(({ token }) => token),
      [' ', '.'],
    );
  });
});

describe('likeliest', () => {
  it('gives the largest logits, of equal ones the lower id first', () => {
    assert.deepEqual(likeliest(Float32Array.from([1, 5, 3, 5, 2]), 3), [1, 3, 2]);
    assert.deepEqual(likeliest(Float32Array.from([1, 2]), 5), [1, 0]);
    assert.deepEqual(likeliest(Float32Array.from([1, 2]), 0), []);
  });
});
