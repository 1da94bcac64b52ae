import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { captionSettings } from '../../../src/node-red/caption/caption-settings';
import { choiceList, deadlineMs, requestOptions, textOf } from '../../../src/node-red/dialog-fields';
import { parseAnswerSchema } from '../../../src/protocol/answer-schema';
import { repositoryRoot } from '../../fixtures';

type Fault = { readonly path: string; readonly expected: string } | null;

/** As the editor loads it. */
function dialogFault(text: string): Fault {
  const window: { smolvlm?: { answerSchemaFault: (text: string) => Fault } } = {};
  vm.runInNewContext(readFileSync(join(repositoryRoot, 'resources', 'answer-schema.js'), 'utf8'), { window });
  assert.ok(window.smolvlm);
  return window.smolvlm.answerSchemaFault(text);
}

describe('captionSettings', () => {
  it('reads a flow made before there were presets', () => {
    const { preset, choices } = captionSettings({ prompt: 'Where?', choices: 'here, there' });
    assert.deepEqual([preset, choices], ['ask', ['here', 'there']]);
    assert.equal(captionSettings({}).choices, undefined);
  });

  it('ignores the fields of another preset', () => {
    const left = { choices: 'only one', minConfidence: 'much', schema: '{' };
    const settings = captionSettings({ ...left, preset: 'describe' });
    assert.deepEqual(settings, { preset: 'describe', anchor: 'first', compare: 'each' });
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
    assert.equal(textOf(' ', 'theirs'), 'theirs');
    assert.equal(textOf('mine', 'theirs'), 'mine');
    assert.equal(textOf('', 7), '');
    assert.equal(deadlineMs({ deadline: '' }, { deadline: '2.5' }), 2500);
    assert.equal(deadlineMs({ deadline: '1' }, { deadline: 9 }), 1000);
    assert.equal(deadlineMs({}, { deadline: 'soon' }), undefined);
    assert.equal(requestOptions({ maxTokens: '' }, { maxTokens: 12 }).maxNewTokens, 12);
    assert.deepEqual(choiceList(['a', ' b ', '']), ['a', 'b']);
  });
});

describe('the dialog’s check of a schema', () => {
  for (const schema of [
    { type: 'object', properties: { a: { type: 'string', maxLength: 5 }, b: { enum: ['x', 1, null] } } },
    { type: 'array', items: { type: 'integer', minimum: -3, maximum: 4 }, minItems: 1, maxItems: 2 },
    { title: 'How many', type: 'number', description: 'all of them' },
  ]) {
    it(`takes ${JSON.stringify(schema)}, as the runtime does`, () => {
      parseAnswerSchema(schema);
      assert.equal(dialogFault(JSON.stringify(schema)), null);
    });
  }

  for (const [schema, path] of [
    [{ type: 'date' }, 'schema.type'],
    [[], 'schema'],
    [{ type: 'object' }, 'schema.properties'],
    [{ type: 'object', properties: { a: { type: 'string', pattern: 'x' } } }, 'schema.properties.a.pattern'],
    [{ type: 'array' }, 'schema.items'],
    [{ type: 'integer', minimum: 0.5 }, 'schema.minimum'],
    [{ enum: [] }, 'schema.enum'],
    [{ enum: [{}] }, 'schema.enum'],
  ] as const) {
    it(`refuses ${JSON.stringify(schema)}, as the runtime does`, () => {
      assert.throws(() => parseAnswerSchema(schema), { code: 'request-json-schema' });
      assert.equal(dialogFault(JSON.stringify(schema))?.path, path);
    });
  }
});
