import assert from 'node:assert/strict';
import { englishText, listed, phrase } from '../../../src/protocol/findings/finding-phrase';
import { type PhraseWriter, phraseText } from '../../../src/protocol/findings/phrase-text';

const texts = new Map([
  ['free', '__free__ of __total__'],
  ['twice', '__a____a__'],
  ['none', 'none'],
]);
const writer: PhraseWriter = { template: (key) => texts.get(key), value: String };

describe('phraseText', () => {
  it('fills in values and phrases, and nothing that a value contains', () => {
    const values = { free: { key: 'none' }, total: '__free__ $& $t(none)' };
    assert.equal(phraseText({ key: 'free', values }, writer), 'none of __free__ $& $t(none)');
  });

  it('is nothing for what an engine of another release or another make may send', () => {
    const free = (values: unknown) => ({ key: 'free', values });
    const odd: readonly unknown[] = [
      ...[undefined, null, 'none', 1, [], {}, { key: 1 }, { key: 'later' }, { key: 'constructor' }],
      ...[free(undefined), free(null), free('1'), free({}), free({ free: '1' })],
      ...[free({ free: '1', total: 2 }), free({ free: '1', total: null }), free({ free: '1', total: ['2'] })],
      free({ free: '1', total: { key: 'later' } }),
    ];
    for (const each of odd) assert.equal(phraseText(each, writer), undefined, JSON.stringify(each));
  });

  it('is nothing for a phrase in itself without end', () => {
    let deep: object = { key: 'none' };
    for (let level = 0; level < 10_000; level++) deep = { key: 'twice', values: { a: deep } };
    assert.equal(phraseText(deep, writer), undefined);
  });
});

describe('listed', () => {
  it('joins any number of texts in their order', () => {
    assert.equal(englishText(listed('then', [])), '');
    assert.equal(englishText(listed('then', ['a'])), 'a');
    assert.equal(englishText(listed('then', ['a', phrase('none'), 'c'])), 'a, then none, then c');
    const many = Array.from({ length: 999 }, (_, index) => `${index}`);
    assert.equal(englishText(listed('comma', many)), many.join(', '));
  });
});
