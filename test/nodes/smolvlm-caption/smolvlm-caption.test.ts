import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { troubleOf } from '../../../src/failures/trouble';
import { demoFrame } from '../../fixtures';
import { CaptionFlow, CaptionRuntime, type Received } from './caption-flow';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
const garden = readFileSync(demoFrame('frame_08_garden_day.jpg'));

describe('smolvlm-caption', function () {
  this.timeout(180_000);
  const runtime = new CaptionRuntime();
  let flow: CaptionFlow;

  beforeEach(() => {
    flow = new CaptionFlow();
  });

  it('describes a picture and keeps the rest of the message', async () => {
    await flow.load({ camera: 'topic', cameraType: 'msg' });
    const { payload, caption, topic, keep, _msgid } = (await flow.ask({
      payload: street,
      topic: 'street',
      keep: 'me',
      _msgid: 'm1',
    })) as Received & { topic: string };
    assert.match(String(payload), /^A person in a yellow jacket/);
    assert.deepEqual([topic, keep, _msgid], ['street', 'me', 'm1']);
    assert.equal(caption?.text, payload);
    assert.equal(caption?.short, payload);
    assert.equal(caption?.camera, 'street');
    assert.equal(caption?.prompt, 'Describe this image.');
    assert.equal(caption?.model, 'demo');
    assert.equal(caption?.backend, 'onnxruntime int8');
    assert.equal(caption?.cached, false);
    assert.match(String(caption?.frameHash), /^[0-9a-f]{64}$/);
    assert.ok(!Number.isNaN(Date.parse(String(caption?.capturedAt))));
    for (const key of ['timingsMs', 'queuedMs', 'confidence', 'tiles'])
      assert.ok(caption?.[key] !== undefined, key);
  });

  it('shows the time that the answer took', async () => {
    await flow.load();
    await flow.ask({ payload: garden });
    await flow.status(/status\.answered|\d s$/);
  });

  it('fills in the prompt from the message, and reuses the encoded image for a second question', async () => {
    await flow.load({ prompt: 'Is there a {{label}}?' });
    assert.match(String((await flow.ask({ payload: street, label: 'cat' })).payload), /^Yes/);
    const dog = await flow.ask({ payload: street, label: 'bicycle' });
    assert.match(String(dog.payload), /^No/);
    assert.equal(dog.caption?.cached, true);
  });

  it('uses prompt, choices and maximum length of the message if the dialog is blank, and only then', async () => {
    await flow.load();
    const night = await flow.ask({
      payload: street,
      prompt: 'Is it day or night?',
      choices: ['It is day.', 'It is night.'],
    });
    assert.equal(night.payload, 'It is day.');
    assert.equal(Object.keys(night.caption?.choices ?? {}).length, 2);
    assert.equal((await flow.ask({ payload: street, maxTokens: 3 })).caption?.finishReason, 'length');
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ prompt: 'Where is this?' });
    assert.equal(
      (await flow.ask({ payload: street, prompt: 'Is it day or night?' })).payload,
      'This is a street.',
    );
  });

  it('reads a picture from a path, base64 and an array of pictures', async () => {
    await flow.load({ prompt: 'Where is this?' });
    assert.equal(
      (await flow.ask({ payload: demoFrame('frame_08_garden_day.jpg') })).payload,
      'This is a garden.',
    );
    assert.equal((await flow.ask({ payload: street.toString('base64') })).payload, 'This is a street.');
    assert.equal((await flow.ask({ payload: [garden, street] })).caption?.tiles, 2);
  });

  for (const [name, payload, code] of [
    ['a number', 7, 'image-source'],
    ['nothing', undefined, 'image-source'],
    ['an object', { picture: true }, 'image-source'],
    ['0 bytes', Buffer.alloc(0), 'image-empty'],
    ['a login page', Buffer.from('<html><title>Login</title>'), 'image-html'],
    ['half a picture', street.subarray(0, 9000), 'image-truncated'],
  ] as const) {
    it(`hands ${name} to Catch with its code, and continues`, async () => {
      await flow.load();
      const failed = await flow.ask({ payload });
      assert.equal(failed.error?.code, code, failed.error?.message);
      await flow.status(new RegExp(`trouble\\.${troubleOf(code).key}`));
      assert.match(String((await flow.ask({ payload: street })).payload), /^A person/);
    });
  }

  for (const [what, dialog, message] of [
    ['a template that gives nothing', { preset: 'ask', prompt: '{{nothing}}' }, {}],
    ['a blank own prompt', { preset: 'ask', prompt: '' }, {}],
    ['a property that is missing', { preset: 'yes-no', prompt: 'question', promptType: 'msg' }, {}],
    ['a template of the message that gives nothing', { preset: 'describe' }, { prompt: '{{label}}' }],
  ] as const) {
    it(`reports ${what} as an empty prompt`, async () => {
      await flow.load(dialog);
      const { error } = await flow.ask({ payload: street, ...message });
      assert.equal(error?.code, 'prompt-empty', error?.message);
      assert.match(error?.message ?? '', /^expected a prompt, received .*Enter a question/);
    });
  }

  it('sends the older of two waiting frames of a camera through the second output', async () => {
    await flow.load({ camera: 'porch' });
    for (let frame = 0; frame < 4; frame++) flow.send({ payload: frame % 2 === 0 ? street : garden, frame });
    await flow.ended(4);
    assert.ok(flow.captions.length >= 2, `${flow.captions.length} captions`);
    for (const { caption, payload } of flow.dropped) {
      assert.deepEqual([caption?.dropped, caption?.text, caption?.camera], ['superseded', null, 'porch']);
      assert.ok(Buffer.isBuffer(payload), 'the picture is kept');
    }
    assert.equal(flow.errors.length, 0);
  });

  it('keeps a deadline', async () => {
    await flow.load({ deadline: '0.001' });
    const late = await flow.ask({ payload: street });
    assert.equal(late.caption?.dropped, 'deadline');
  });

  it('ends every message exactly once when the engine is killed in the middle, and the next frame works', async () => {
    await flow.load({ prompt: 'Describe this image.' }, { queueCapacity: 10, queuePolicy: 'oldest' });
    await flow.ask({ payload: garden });
    const pid = await runtime.enginePid();
    for (let frame = 0; frame < 6; frame++)
      flow.send({ payload: frame % 2 === 0 ? street : garden, topic: `camera${frame}` });
    await runtime.working(flow);
    process.kill(pid, 'SIGKILL');
    await flow.ended(7);
    assert.equal(flow.captions.length + flow.errors.length + flow.dropped.length, 7);
    assert.match(String((await flow.ask({ payload: street })).payload), /^A person/);
    assert.notEqual(await runtime.enginePid(), pid);
  });

  it('reports that no engine is chosen, or that its address is invalid', async () => {
    await flow.load({ engine: '' });
    assert.equal((await flow.ask({ payload: street })).error?.code, 'node-no-engine');
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({}, { location: 'remote', url: 'hub' });
    assert.equal((await flow.ask({ payload: street })).error?.code, 'engine-address');
  });

  it('reads the fields of a flow that was written by hand', async () => {
    const schema = { type: 'object', properties: { dog: { type: 'boolean' } }, required: ['dog'] };
    const fields = { preset: 'json', schema, deadline: 30, maxTokens: 40, prompt: null, language: null };
    await flow.load(fields as object, { queueCapacity: '1', idle: null } as object);
    const { payload, error } = await flow.ask({ payload: street });
    assert.equal(error, undefined);
    assert.deepEqual(Object.keys(payload as object), ['dog']);
  });

  it('closes at once while requests are running', async () => {
    await flow.load({ detail: 'full' }, { queueCapacity: 10 });
    for (let frame = 0; frame < 3; frame++) flow.send({ payload: garden, topic: `c${frame}` });
    await runtime.working(flow);
    await flow.unload();
    assert.ok(flow.captions.length < 3, 'the close does not wait for the answers');
  });
});
