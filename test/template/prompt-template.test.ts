import assert from 'node:assert/strict';
import Mustache from 'mustache';
import { checkTemplate, fallbackText, fillPrompt, templateView } from '../../src/template/prompt-template';

describe('prompt template', () => {
  const now = new Date(2026, 0, 5, 7, 3);

  it('fills in the message and the machine’s time', () => {
    assert.equal(
      fillPrompt('{{time}} {{date}}: {{payload.a.b}} & {{x}}', { payload: { a: { b: '<1>' } }, x: '"' }, now),
      '07:03 2026-01-05: <1> & "',
    );
  });

  it('prefers the message’s time', () => {
    assert.equal(fillPrompt('{{time}}', { time: 'noon' }, now), 'noon');
  });

  it('leaves a text without fields unchanged', () => {
    assert.equal(fillPrompt('Is 1 < 2 }}?', {}), 'Is 1 < 2 }}?');
  });

  it('does not cache templates', () => {
    const cache = Mustache.templateCache;
    assert.ok(cache);
    const kept: string[] = [];
    Mustache.templateCache = { ...cache, set: (key) => void kept.push(key), get: () => undefined };
    try {
      assert.equal(fillPrompt('{{a}}!', { a: 1 }), '1!');
      checkTemplate('{{b}}');
    } finally {
      Mustache.templateCache = cache;
    }
    assert.deepEqual(kept, []);
  });

  it('names the broken template', () => {
    const broken = {
      code: 'prompt-mustache',
      message: /^the fallback is not a valid Mustache template: Unclosed/,
    };
    assert.throws(() => fillPrompt('{{#a}}', {}, now, 'fallback'), broken);
    assert.throws(() => checkTemplate('{{#a}}', 'fallback'), broken);
    checkTemplate('{{#a}}x{{/a}}');
  });

  for (const [where, message, label] of [
    ['msg.label', { label: 'cat', payload: { label: 'dog' } }, 'cat'],
    ['a Frigate event', { payload: { after: { label: 'dog' } } }, 'dog'],
    ['the payload', { payload: { label: 'bird' } }, 'bird'],
    ['nowhere', { payload: null }, ''],
  ] as const) {
    it(`takes the label from ${where}`, () => {
      assert.equal(templateView(message, 'porch', 2).label, label);
      assert.equal(
        fillPrompt('{{camera}} {{frames}} {{label}}', templateView(message, 'porch', 2)),
        `porch 2 ${label}`,
      );
    });
  }

  it('gives a fallback for any template', () => {
    assert.equal(fallbackText('At {{camera}}', {}, 'porch'), 'At porch');
    assert.equal(fallbackText('At {{#camera}}', {}, 'porch'), 'At {{#camera}}');
  });
});
