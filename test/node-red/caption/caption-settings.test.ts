import assert from 'node:assert/strict';
import { choiceList } from '../../../src/node-red/caption/caption-fields';
import { captionSettings } from '../../../src/node-red/caption/caption-settings';
import { dialogText } from '../../../src/node-red/dialog-values';
import { deadlineMs, requestOptions, requestSettings } from '../../../src/node-red/request-settings';

describe('captionSettings', () => {
  it('reads a flow made before there were presets', () => {
    const { preset, choices } = captionSettings({ prompt: 'Where?', choices: 'here, there' });
    assert.deepEqual([preset, choices], ['ask', ['here', 'there']]);
    assert.equal(captionSettings({}).choices, undefined);
  });

  it('ignores the fields of another preset', () => {
    const left = { choices: 'only one', minConfidence: 'much', schema: '{' };
    const settings = captionSettings({ ...left, preset: 'describe' });
    assert.deepEqual(settings, {
      preset: 'describe',
      anchor: 'first',
      compare: 'each',
      request: { detail: 'low' },
    });
    assert.equal(captionSettings({ choices: 'a, b', preset: 'ask' }).choices, undefined);
  });

  it('takes the question of each field from the schema', () => {
    const schema = JSON.stringify({
      type: 'object',
      properties: { a: { type: 'boolean', description: 'Is it?' }, b: { type: 'integer' } },
    });
    assert.deepEqual(captionSettings({ preset: 'json', schema }).fields, [
      { name: 'a', schema: { type: 'boolean' }, question: 'Is it?' },
      { name: 'b', schema: { type: 'integer' } },
    ]);
    assert.equal(captionSettings({ preset: 'json', schema, jsonBy: 'whole' }).fields, undefined);
    assert.equal(captionSettings({ preset: 'json', schema: '{"type":"integer"}' }).fields, undefined);
  });

  it('lets a message set fields that are blank in the dialog, and no others', () => {
    assert.equal(dialogText(' ', 'theirs'), 'theirs');
    assert.equal(dialogText('mine', 'theirs'), 'mine');
    assert.equal(dialogText('', 7), '');
    assert.equal(deadlineMs(requestSettings({ deadline: '' }), { deadline: '2.5' }), 2500);
    assert.equal(deadlineMs(requestSettings({ deadline: '1' }), { deadline: 9 }), 1000);
    assert.equal(requestOptions(requestSettings({ maxTokens: '' }), { maxTokens: 12 }).maxNewTokens, 12);
    assert.deepEqual(choiceList(['a', ' b ', '']), ['a', 'b']);
  });

  it('refuses a number of a message that is out of its limits', () => {
    assert.throws(
      () => deadlineMs(requestSettings({}), { deadline: 'soon' }),
      /msg\.deadline: expected a number/,
    );
    for (const maxTokens of [0, -1, 1.5, 1e9, {}]) {
      assert.throws(
        () => requestOptions(requestSettings({}), { maxTokens }),
        /msg\.maxTokens: expected a whole/,
      );
    }
  });
});
