import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { mostCameras } from '../../src/mqtt/topic-names';
import { ServiceRun, street } from './service-run';

describe('describe service', () => {
  const run = new ServiceRun();
  afterEach(() => run.close());

  it('answers a picture with attributes, caption and then the picture, all retained', async () => {
    run.start();
    run.transport.deliver('smolvlm/porch/describe', street);
    await run.ended(1);
    assert.deepEqual(run.transport.topics(), [
      'smolvlm/porch/attributes',
      'smolvlm/porch/caption',
      'smolvlm/porch/picture',
    ]);
    assert.ok(run.transport.published.every(({ retain, qos }) => retain && qos === 1));
    assert.deepEqual(run.transport.published[2]?.payload, street);
    assert.equal(run.transport.last('smolvlm/porch/caption'), 'answer to: Describe this image.');
    const attributes = JSON.parse(run.transport.last('smolvlm/porch/attributes') ?? '');
    assert.equal(attributes.text, 'answer to: Describe this image.');
    assert.equal(attributes.camera, 'porch');
    assert.ok(!Number.isNaN(Date.parse(attributes.capturedAt)));
    assert.deepEqual(run.engine.asked[0]?.pictures, [street]);
  });

  it('keeps the state within 255 characters and the whole text in the attributes', async () => {
    run.start();
    run.engine.auto = false;
    run.transport.deliver('smolvlm/porch/describe', street);
    for (let turns = 0; run.engine.asked.length === 0 && turns < 100; turns++) await turn();
    const long = 'a long street '.repeat(40);
    run.engine.asked[0]?.answer(long);
    await run.ended(1);
    assert.ok((run.transport.last('smolvlm/porch/caption') ?? '').length <= 255);
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/attributes') ?? '').text, long);
  });

  it('asks a question about the last picture of the camera', async () => {
    run.start({ prompt: 'What is at the {{camera}}?' });
    run.transport.deliver('smolvlm/porch/describe', street);
    run.transport.deliver('smolvlm/porch/describe', 'Is it night?');
    await run.ended(2);
    run.transport.deliver('smolvlm/porch/describe', 'PRESS');
    await run.ended(3);
    assert.deepEqual(
      run.engine.asked.map(({ request }) => request.prompt),
      ['What is at the porch?', 'Is it night?', 'What is at the porch?'],
    );
    assert.ok(
      run.engine.asked.every(({ pictures }) => Buffer.compare(pictures[0] ?? Buffer.alloc(0), street) === 0),
    );
  });

  it('describes a request with an id once when its publisher repeats the message', async () => {
    run.start();
    run.engine.auto = false;
    const first = { picture: street.toString('base64'), id: '7' };
    run.transport.deliver('smolvlm/porch/describe', first);
    for (let turns = 0; run.engine.asked.length === 0 && turns < 100; turns++) await turn();
    run.transport.deliver('smolvlm/porch/describe', first);
    run.engine.asked[0]?.answer('a street');
    await run.ended(1);
    run.engine.auto = true;
    run.transport.deliver('smolvlm/porch/describe', first);
    // Other content, another camera and no id: other requests.
    run.transport.deliver('smolvlm/porch/describe', { ...first, prompt: 'Is it night?' });
    await run.ended(2);
    run.transport.deliver('smolvlm/gate/describe', first);
    await run.ended(3);
    run.transport.deliver('smolvlm/porch/describe', street);
    await run.ended(4);
    run.transport.deliver('smolvlm/porch/describe', street);
    await run.ended(5);
    assert.equal(run.engine.asked.length, 5);
  });

  it('describes a request with an id again when the first has failed', async () => {
    run.start();
    for (const count of [1, 2]) {
      run.transport.deliver('smolvlm/porch/describe', { prompt: 'Is it night?', id: '7' });
      await run.ended(count);
    }
    assert.deepEqual(
      run.answers.map((answer) => answer.kind === 'error' && answer.error.code),
      ['mqtt-no-picture', 'mqtt-no-picture'],
    );
  });

  it('runs one request of each camera at a time and keeps the newest waiting', async () => {
    run.start();
    run.engine.auto = false;
    for (let frame = 0; frame < 50; frame++) {
      run.transport.deliver('smolvlm/porch/describe', {
        picture: street.toString('base64'),
        id: String(frame),
      });
      run.transport.deliver('smolvlm/street/describe', street);
    }
    for (let turns = 0; turns < 20; turns++) await turn();
    assert.equal(run.engine.asked.length, 2, 'one of each camera');
    await run.ended(96);
    assert.ok(run.answers.every((answer) => answer.kind === 'dropped' && answer.reason === 'superseded'));
    run.engine.auto = true;
    for (const { answer } of run.engine.asked) answer('seen');
    await run.ended(100);
    assert.equal(run.engine.asked.length, 4);
    const last = JSON.parse(run.transport.last('smolvlm/porch/attributes') ?? '');
    assert.equal(last.id, '49');
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/dropped') ?? '').id, '48');
    assert.deepEqual(run.engine.asked[0]?.request.queue, { policy: 'newest', capacity: 1 });
  });

  it('answers on the response topic only, with the correlation data', async () => {
    run.start();
    const correlationData = Buffer.from([1, 2, 0, 255]);
    run.transport.deliver('smolvlm/porch/describe', street, { responseTopic: 'asker/7', correlationData });
    await run.ended(1);
    assert.deepEqual(run.transport.topics(), ['asker/7']);
    const [{ payload, retain, correlationData: back, contentType } = assert.fail()] = run.transport.published;
    assert.deepEqual([retain, back, contentType], [false, correlationData, 'application/json']);
    assert.equal(JSON.parse(String(payload)).text, 'answer to: Describe this image.');
  });

  it('publishes an error on the response topic, and refuses describe topics as response topics', async () => {
    run.start();
    run.transport.deliver('smolvlm/porch/describe', '{"prompt": 1', { responseTopic: 'asker/7' });
    await run.ended(1);
    assert.equal(JSON.parse(run.transport.last('asker/7') ?? '').error.code, 'mqtt-request');
    for (const responseTopic of ['smolvlm/porch/describe', 'a/#', '$SYS/x']) {
      run.transport.published.length = 0;
      run.transport.deliver('smolvlm/porch/describe', street, { responseTopic });
      assert.deepEqual(run.transport.topics(), ['smolvlm/porch/error']);
      assert.equal(
        JSON.parse(run.transport.last('smolvlm/porch/error') ?? '').error.code,
        'mqtt-response-topic',
      );
    }
    assert.equal(run.engine.asked.length, 0);
  });

  it('masks the secrets of an address that an error repeats', async () => {
    run.start();
    run.engine.auto = false;
    run.transport.deliver('smolvlm/porch/describe', street);
    for (let turns = 0; run.engine.asked.length === 0 && turns < 100; turns++) await turn();
    const message = 'http://me:planted@camera/x?key=planted failed';
    run.engine.asked[0]?.end({ type: 'error', id: 'id', error: { code: 'internal', message } });
    await run.ended(1);
    const { error } = JSON.parse(run.transport.last('smolvlm/porch/error') ?? '');
    assert.equal(error.message, 'http://…@camera/x?key=… failed');
    assert.deepEqual(run.answers[0], { kind: 'error', error: { code: 'internal', message: error.message } });
  });

  it('publishes an error with its code and its hint', async () => {
    run.start();
    run.engine.auto = false;
    run.transport.deliver('smolvlm/porch/describe', 'Is it night?');
    await run.ended(1);
    const { error, camera } = JSON.parse(run.transport.last('smolvlm/porch/error') ?? '');
    assert.deepEqual([camera, error.code], ['porch', 'mqtt-no-picture']);
    assert.match(error.hint, /snapshot address/);
    run.transport.deliver('smolvlm/porch/describe', street);
    for (let turns = 0; run.engine.asked.length === 0 && turns < 100; turns++) await turn();
    const message = 'the JPEG ends early';
    run.engine.asked[0]?.end({ type: 'error', id: 'id', error: { code: 'image-truncated', message } });
    await run.ended(2);
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/error') ?? '').error.code, 'image-truncated');
    assert.ok(!run.transport.topics().includes('smolvlm/porch/caption'));
  });

  it('serves a bounded number of cameras', async () => {
    run.start();
    for (let camera = 0; camera <= mostCameras; camera++) {
      run.transport.deliver(`smolvlm/camera${camera}/describe`, street);
    }
    await run.ended(mostCameras + 1);
    const refused = run.answers.filter((answer) => answer.kind === 'error');
    assert.deepEqual(
      refused.map((answer) => answer.kind === 'error' && answer.error.code),
      ['mqtt-cameras'],
    );
  });

  it('answers a request whose name no camera can have on the topic beside it', async () => {
    run.start();
    for (const name of ['x'.repeat(65), 'front/porch', 'a/b/c', '1/2/3/4/5/6/7/8', 'a//b', '/porch']) {
      run.transport.published.length = 0;
      run.transport.deliver(`smolvlm/${name}/describe`, street);
      assert.deepEqual(run.transport.topics(), [`smolvlm/${name}/error`]);
      const { error } = JSON.parse(run.transport.last(`smolvlm/${name}/error`) ?? '');
      assert.equal(error.code, 'mqtt-camera-name');
      assert.match(error.message, /1 to 64 characters without/);
    }
    assert.equal(run.answers.length, 6);
  });

  it('leaves requests alone that belong to a service with a longer base', async () => {
    run.start();
    for (const base of ['smolvlm/house', 'smolvlm/a/b/c']) {
      run.transport.deliver(`${base}/availability`, 'online', { retained: true });
      run.transport.deliver(`${base}/porch/describe`, street);
    }
    await turn();
    assert.deepEqual([run.transport.topics(), run.answers], [[], []]);
  });
});
