import assert from 'node:assert/strict';
import {
  answerWords,
  captionFields,
  captionWords,
} from '../../../../src/timeline/page/entries/caption-words';

const words = { translate: (key: string) => `<${key}>` };

describe('captionWords', () => {
  it('writes a JSON object as its fields', () => {
    const text = '{"people": 2, "parcel": true, "dog": null, "where": {"side": "left", "tags": ["a", "b"]}}';
    assert.equal(
      captionWords(text, words),
      'people: 2 · parcel: <yes> · dog: <notSure> · where: side: left, tags: a, b',
    );
  });

  it('leaves sentences, lists, empty objects and cut JSON as they are', () => {
    for (const text of ['A cat.', '', '[1, 2]', '{}', '{"people": 2', '{a cat}', 'A {cat}']) {
      assert.equal(captionWords(text, words), text);
    }
    assert.equal(captionFields('{"people": 2'), undefined);
  });

  it('shows an empty list as a dash', () => {
    assert.equal(answerWords([], words), '–');
  });
});
