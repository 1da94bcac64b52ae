import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { demoFrame } from '../../fixtures';
import { CaptionFlow, CaptionRuntime } from './caption-flow';

/** A person in a yellow jacket, a cat and a truck. */
const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
/** A bird in the fog. */
const garden = readFileSync(demoFrame('frame_08_garden_day.jpg'));
/** A truck and a bicycle. */
const driveway = readFileSync(demoFrame('frame_02_driveway_night.jpg'));

const schema = {
  type: 'object',
  properties: {
    people: { type: 'integer', description: 'How many people are there?' },
    dog: { type: 'boolean', description: 'Is there a dog?' },
    light: { enum: ['It is day.', 'It is night.'], description: 'Is it day or night?' },
    place: { type: 'string', maxLength: 40, description: 'Where is this?' },
  },
};

describe('presets of smolvlm-caption', function () {
  this.timeout(180_000);
  new CaptionRuntime();
  let flow: CaptionFlow;

  beforeEach(() => {
    flow = new CaptionFlow();
  });

  it('describes in one sentence by default', async () => {
    await flow.load({ preset: 'describe' });
    const { payload, caption } = await flow.ask({ payload: driveway });
    assert.equal(
      payload,
      'A white truck is parked on the left of the driveway at night, and a green bicycle is parked on the right.',
    );
    assert.equal(caption?.prompt, 'Describe this image in one sentence.');
    assert.match(String(caption?.captionId), /^[0-9a-f-]{36}$/);
  });

  it('asks about several frames in one request, with their number', async () => {
    await flow.load({ preset: 'describe' });
    const { caption } = await flow.ask({ payload: [garden, driveway, street] });
    assert.equal(caption?.tiles, 3);
    assert.match(String(caption?.prompt), /^These pictures are from one camera, in order\./);
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ preset: 'ask', prompt: 'What is in these {{frames}} pictures?' });
    assert.equal(
      (await flow.ask({ payload: [garden, driveway] })).caption?.prompt,
      'What is in these 2 pictures?',
    );
  });

  it('refuses more frames than a request may have, and continues', async () => {
    await flow.load({ preset: 'describe' });
    const { error } = await flow.ask({ payload: Array.from({ length: 17 }, () => garden) });
    assert.equal(error?.code, 'image-count');
    assert.match(String(error?.message), /at most 16 pictures.*received 17/);
    assert.match(String((await flow.ask({ payload: garden })).payload), /bird/);
  });

  it('answers yes and no as true and false, with the probability of both', async () => {
    await flow.load({ preset: 'yes-no', prompt: 'Is there a {{label}}?' });
    const yes = await flow.ask({ payload: street, label: 'cat' });
    assert.equal(yes.payload, true);
    assert.equal(yes.caption?.text, 'yes');
    assert.ok(Number(yes.caption?.confidence) > 0.9, String(yes.caption?.confidence));
    assert.equal('sure' in (yes.caption ?? {}), false);
    const no = await flow.ask({ payload: street, label: 'dog' });
    assert.equal(no.payload, false);
    assert.equal(no.caption?.text, 'no');
    const choices = (no.caption?.choices ?? []) as { text: string; probability: number }[];
    assert.deepEqual(
      choices.map(({ text }) => text),
      ['yes', 'no'],
    );
    assert.ok(Math.abs(choices.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-6);
  });

  it('gives no answer below the minimum confidence, and names the most probable one', async () => {
    await flow.load({ preset: 'yes-no', prompt: 'Is there a cat?', minConfidence: '1' });
    const { payload, caption } = await flow.ask({ payload: street });
    assert.equal(payload, null);
    assert.deepEqual([caption?.text, caption?.sure], ['yes', false]);
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ preset: 'yes-no', prompt: 'Is there a cat?', minConfidence: '0.6' });
    const sure = await flow.ask({ payload: street });
    assert.deepEqual([sure.payload, sure.caption?.sure], [true, true]);
  });

  it('chooses among the dialog’s choices, or the message’s', async () => {
    const sides = 'Nothing., A red car., A white truck.';
    await flow.load({ preset: 'choose', prompt: 'What is on the left?', choices: sides });
    const { payload, caption } = await flow.ask({ payload: driveway });
    assert.equal(payload, 'A white truck.');
    assert.equal(Object.keys(caption?.choices ?? {}).length, 3);
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ preset: 'choose', prompt: 'Is it day or night?' });
    const night = await flow.ask({ payload: driveway, choices: ['It is day.', 'It is night.'] });
    assert.equal(night.payload, 'It is night.');
    const { error } = await flow.ask({ payload: driveway });
    assert.equal(error?.code, 'node-property');
    assert.match(String(error?.message), /choices: expected two or more.*msg\.choices/);
  });

  it('counts what is named, or as the question says', async () => {
    await flow.load({ preset: 'count', prompt: '{{what}}' });
    for (const [what, number] of [
      ['people', 1],
      ['dogs', 0],
      ['trucks', 1],
      ['How many cats are there?', 1],
    ] as const) {
      const { payload, caption } = await flow.ask({ payload: street, what });
      assert.equal(payload, number, what);
      assert.equal(caption?.text, String(number));
    }
  });

  it('fills in an object, one request per field', async () => {
    await flow.load({ preset: 'json', schema: JSON.stringify(schema) });
    const { payload, caption } = await flow.ask({ payload: street });
    assert.deepEqual(payload, { people: 1, dog: false, light: 'It is day.', place: 'This is a street.' });
    assert.deepEqual(caption?.json, payload);
    assert.equal(caption?.text, JSON.stringify(payload));
    assert.deepEqual(Object.keys(caption?.confidences as object), ['people', 'dog', 'light', 'place']);
  });

  it('fills in an object in one request, and it always matches the schema', async () => {
    await flow.load({ preset: 'json', jsonBy: 'whole', schema: JSON.stringify(schema) });
    const { payload, caption } = await flow.ask({ payload: street });
    const { people, dog, light, place } = payload as Record<string, unknown>;
    assert.ok(Number.isInteger(people));
    assert.equal(typeof dog, 'boolean');
    assert.ok(schema.properties.light.enum.includes(String(light)));
    assert.equal(typeof place, 'string');
    assert.match(String(caption?.prompt), /Answer in JSON with people, dog, light, place\.$/);
  });

  for (const [what, dialog, code, message] of [
    [
      'a schema that is not JSON',
      { preset: 'json', schema: '{' },
      'node-property',
      /schema: expected a JSON/,
    ],
    [
      'a schema of another kind',
      { preset: 'json', schema: '{"type":"date"}' },
      'request-json-schema',
      /schema\.type/,
    ],
    ['one choice', { preset: 'choose', choices: 'cat' }, 'node-property', /choices: expected two or more/],
    ['an impossible probability', { preset: 'yes-no', minConfidence: '7' }, 'node-property', /from 0 to 1/],
    ['an unknown preset', { preset: 'guess' }, 'node-property', /preset: expected one of describe/],
    ['a broken template', { preset: 'ask', prompt: 'Is {{x?' }, 'prompt-mustache', /Unclosed/],
    ['a broken fallback', { preset: 'describe', fallback: '{{#a}}' }, 'prompt-mustache', /the fallback/],
  ] as const) {
    it(`reports at deploy and for each message that ${what} is wrong`, async () => {
      await flow.load(dialog);
      const { error } = await flow.ask({ payload: street });
      assert.equal(error?.code, code, error?.message);
      assert.match(String(error?.message), message);
    });
  }

  it('asks for the dialog’s language, or the message’s', async () => {
    await flow.load({ preset: 'describe' });
    const { caption } = await flow.ask({ payload: street, language: 'German' });
    assert.equal(caption?.prompt, 'Describe this image in one sentence. Answer in German.');
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ preset: 'ask', prompt: 'Where is this?', language: 'French' });
    const french = await flow.ask({ payload: street, language: 'German' });
    assert.equal(french.caption?.prompt, 'Where is this? Answer in French.');
  });

  it('fills in camera, label, time and date in a prompt', async () => {
    await flow.load({
      preset: 'ask',
      image: 'picture',
      prompt: '{{camera}} {{label}} {{time}} {{date}} {{{payload.after.id}}}?',
      camera: 'porch',
    });
    const event = { after: { label: 'dog', id: '1<2' } };
    const { caption } = await flow.ask({ payload: event, picture: street });
    assert.match(String(caption?.prompt), /^porch dog \d\d:\d\d \d{4}-\d\d-\d\d 1<2\?$/);
  });
});
