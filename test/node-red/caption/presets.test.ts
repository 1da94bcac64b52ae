import assert from 'node:assert/strict';
import {
  choosePreset,
  countPreset,
  fieldPreset,
  jsonPreset,
  yesNoPreset,
} from '../../../src/node-red/caption/presets';
import type { CaptionResult, Choice } from '../../../src/protocol/events';

const logs = (values: Readonly<Record<string, number>>): Choice[] =>
  Object.entries(values).map(([text, probability]) => ({
    text,
    probability,
    logProbability: Math.log(probability),
  }));

const answer = (result: Partial<CaptionResult>): CaptionResult => result as CaptionResult;

describe('preset questions', () => {
  it('adds up the ways to say yes and to say no', () => {
    const choices = logs({ Yes: 0.3, 'Yes.': 0.3, No: 0.38, 'No.': 0.02 });
    const { payload, caption } = yesNoPreset('').parse(answer({ choices }));
    assert.equal(payload, true);
    assert.ok(Math.abs(Number(caption?.confidence) - 0.6) < 1e-9);
    const [yes] = (caption?.choices ?? []) as Choice[];
    assert.ok(Math.abs(Number(yes?.logProbability) - Math.log(0.6)) < 1e-9);
  });

  it('answers no if yes is not more probable', () => {
    const choices = logs({ Yes: 0.25, 'Yes.': 0.25, No: 0.25, 'No.': 0.25 });
    assert.equal(yesNoPreset('', 0.5).parse(answer({ choices })).payload, false);
    assert.equal(yesNoPreset('', 0.51).parse(answer({ choices })).payload, null);
  });

  it('lists short choices in the prompt, but not sentences', () => {
    assert.equal(choosePreset('What is it?', ['a', 'b', 'c']).prompt, 'What is it? Answer a, b or c.');
    assert.equal(choosePreset('Is it day?', ['It is.', 'No.']).prompt, 'Is it day?');
    assert.throws(() => choosePreset('?', ['a', 'a']), { code: 'node-property' });
  });

  it('counts things, or asks the given question', () => {
    assert.equal(countPreset('red cars').prompt, 'How many red cars are there? Answer with a number.');
    assert.equal(countPreset('How many?').prompt, 'How many? Answer with a number.');
  });

  it('asks for a field according to its type', () => {
    const ask = (schema: Parameters<typeof fieldPreset>[0]['schema'], question?: string) =>
      fieldPreset({ name: 'open_door', schema, ...(question && { question }) }, 'German');
    assert.equal(ask({ type: 'boolean' }).prompt, 'Is there an open door? Answer yes or no.');
    assert.deepEqual(ask({ type: 'integer', minimum: 1, maximum: 5 }).jsonSchema, {
      type: 'integer',
      minimum: 1,
      maximum: 5,
    });
    assert.equal(ask({ type: 'string' }, 'What?').prompt, 'What? Answer in German.');
    assert.equal(
      ask({ type: 'string', maxLength: 4 }).parse(answer({ text: 'much too long' })).payload,
      'muc…',
    );
    const numbers = ask({ enum: [1, 2, null] });
    assert.deepEqual(numbers.choices, ['1', '2', 'null']);
    assert.equal(numbers.parse(answer({ text: '2' })).payload, 2);
    assert.equal(numbers.parse(answer({ text: 'null' })).payload, null);
    const single = { enum: ['only'] };
    assert.deepEqual(ask(single).jsonSchema, single);
    assert.deepEqual(ask({ type: 'number' }).jsonSchema, { type: 'number' });
  });

  it('names an object’s fields in the prompt', () => {
    const schema = { type: 'object', properties: { a: { type: 'boolean' }, b: { type: 'number' } } } as const;
    const { prompt } = jsonPreset('', '', schema);
    assert.equal(prompt, 'Describe this image. Answer in JSON with a, b.');
  });
});
