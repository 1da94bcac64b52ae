import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import helper from 'node-red-node-test-helper';
import sharp from 'sharp';
import { catalogKey } from '../../../src/node-red/failures/shared-words';
import { useTempFolder } from '../../temp-folder';
import { FrameFlow, type Received, street, until } from './frame-flow';

describe('smolvlm-frame', function () {
  this.timeout(30_000);
  const temp = useTempFolder();
  const flow = new FrameFlow();

  it('prepares the picture of a message and keeps what else is in it', async () => {
    await flow.load({ maxSide: '320' });
    flow.send({ payload: street, topic: 'street', label: 'car', capturedAt: '2026-11-24T01:02:03Z' });
    await until(() => flow.received.frames.length >= 1);
    const [message] = flow.received.frames as [
      Received & { label?: string; topic?: string; capturedAt?: string },
    ];
    assert.deepEqual([message.camera, message.topic, message.label], ['street', 'street', 'car']);
    const { frame } = message;
    assert.deepEqual([frame?.width, frame?.height, frame?.camera], [320, 240, 'street']);
    assert.equal(frame?.capturedAt, '2026-11-24T01:02:03.000Z');
    const { format, width } = await sharp(message.payload as Buffer).metadata();
    assert.deepEqual([format, width], ['jpeg', 320]);
    assert.equal(flow.statuses.at(-1), catalogKey('smolvlm-frame', 'status.passed'));
  });

  it('sends unchanged frames to the second output, until it is reset', async () => {
    await flow.load({ unchanged: true });
    flow.send({ payload: street, topic: 'street' });
    flow.send({ payload: await sharp(street).jpeg({ quality: 60 }).toBuffer(), topic: 'street' });
    await until(() => flow.received.held.length >= 1);
    assert.deepEqual([flow.received.frames.length, flow.received.held[0]?.frame?.held], [1, 'unchanged']);
    assert.match(String(flow.received.held[0]?.frame?.reason), /of 512 bits differ/);
    flow.send({ reset: true, camera: 'street' });
    flow.send({ payload: street, topic: 'street' });
    await until(() => flow.received.frames.length >= 2);
  });

  it('takes the newest of a flood, and accounts for every message', async () => {
    await flow.load();
    for (let sent = 0; sent < 50; sent++) flow.send({ payload: street, topic: 'street', sent });
    await until(() => flow.received.frames.length + flow.received.held.length >= 50);
    assert.equal((flow.received.frames.at(-1) as { sent?: number }).sent, 49);
    // The rest is held even where the machine is slow to send.
    assert.ok(flow.received.frames.length >= 2 && flow.received.held.length > flow.received.frames.length);
    assert.ok(flow.received.held.every(({ frame }) => frame?.held === 'superseded'));
  });

  it('changes its status at most twice in a second, however many pictures come', async () => {
    const began = performance.now();
    await flow.load();
    for (let sent = 0; sent < 50; sent++) flow.send({ payload: street, topic: `camera ${sent % 4}` });
    await until(() => flow.received.frames.length + flow.received.held.length >= 50);
    const seconds = (performance.now() - began) / 1000;
    assert.ok(
      flow.statuses.length <= 2 * Math.ceil(seconds) + 2,
      `${flow.statuses.length} changes in ${seconds} s`,
    );
  });

  it('paints masks before anything leaves, and sends each zone as its own frame', async () => {
    const all = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ];
    const zones = [
      { name: 'left', x: 0, y: 0, width: 0.5, height: 1 },
      { name: 'door', x: 0.5, y: 0.5, width: 0.25, height: 0.25 },
    ];
    await flow.load({ masks: [all], zones });
    flow.send({ payload: street, topic: 'street' });
    await until(() => flow.received.frames.length >= 2);
    assert.deepEqual(
      flow.received.frames.map(({ camera, frame }) => [camera, frame?.zone, frame?.width]),
      [
        ['street/left', 'left', 320],
        ['street/door', 'door', 160],
      ],
    );
    for (const { payload } of flow.received.frames) {
      const { channels } = await sharp(payload as Buffer).stats();
      assert.ok(channels.every(({ max }) => max < 8));
    }
  });

  it('leaves no unmasked picture in any message, wherever it came from', async () => {
    const masks = [
      [
        [0, 0],
        [0.5, 0],
        [0, 0.5],
      ],
    ];
    await flow.load({ masks, image: 'snapshot', unchanged: true });
    flow.send({ snapshot: street, topic: 'street' });
    flow.send({ snapshot: await sharp(street).jpeg({ quality: 60 }).toBuffer(), topic: 'street' });
    flow.send({ snapshot: street.subarray(0, 2000), topic: 'other' });
    flow.send({ snapshot: Array(17).fill(street), topic: 'many' });
    await until(
      () => flow.received.frames.length + flow.received.held.length + flow.received.errors.length >= 4,
    );
    const messages = [...flow.received.frames, ...flow.received.held, ...flow.received.errors];
    assert.deepEqual(
      messages.map((message) => 'snapshot' in message),
      [false, false, false, false],
    );
    assert.equal(flow.received.held[0]?.payload, undefined);
  });

  it('leaves no unmasked picture in the message if the camera’s expression fails', async () => {
    const masks = [
      [
        [0, 0],
        [0.5, 0],
        [0, 0.5],
      ],
    ];
    await flow.load({ masks, camera: '$error("no camera")', cameraType: 'jsonata' });
    flow.send({ payload: street, topic: 'street' });
    await until(() => flow.received.errors.length >= 1);
    assert.equal(flow.received.errors[0]?.payload, undefined);
  });

  it('leaves no unmasked picture in the message if its own settings are refused', async () => {
    const masks = '[[[0, 0], [0.5, 0], [0, 0.5]]]';
    for (const refused of [{ masks: '[[' }, { masks: [[[0, 0]]] }, { masks, maxSide: 'big' }]) {
      await flow.load(refused);
      flow.send({ payload: street, picture: street, topic: 'street' });
      await until(() => flow.received.errors.length >= 1);
      const message = flow.received.errors[0] ?? assert.fail();
      assert.equal(message.error?.code, 'node-property');
      assert.deepEqual([message.payload, 'picture' in message], [undefined, false], JSON.stringify(refused));
      await helper.unload();
    }
  });

  it('resets a camera’s zones too, and accepts times of any kind', async () => {
    await flow.load({ unchanged: true, zones: [{ name: 'all', x: 0, y: 0, width: 1, height: 1 }] });
    flow.send({ payload: street, topic: 'street', capturedAt: 1e20 });
    await until(() => flow.received.frames.length >= 1);
    flow.send({ payload: street, topic: 'street', capturedAt: 1_795_000_000.5 });
    await until(() => flow.received.held.length >= 1);
    assert.equal(flow.received.held[0]?.frame?.capturedAt, new Date(1_795_000_000_500).toISOString());
    flow.send({ reset: true, camera: 'street' });
    flow.send({ payload: street, topic: 'street' });
    await until(() => flow.received.frames.length >= 2);
  });

  it('says what is wrong with a picture, and continues', async () => {
    await flow.load();
    flow.send({ payload: Buffer.from('<html>login</html>'), topic: 'street' });
    await until(() => flow.received.errors.length >= 1);
    flow.send({ payload: 7 });
    await until(() => flow.received.errors.length >= 2);
    assert.deepEqual(
      flow.received.errors.map(({ error }) => error?.code),
      ['image-html', 'image-source'],
    );
    flow.send({ payload: street, topic: 'street' });
    await until(() => flow.received.frames.length >= 1);
  });

  it('says which field of the dialog is wrong', async () => {
    for (const [dialog, field] of [
      [{ masks: [[[0, 0]]] }, /masks: expected shapes/],
      [{ zones: [{ name: 'a', x: 0, y: 0, width: 2, height: 1 }] }, /zones: expected/],
      [{ maxSide: 'big' }, /maxSide: expected a whole number from 16 to 8192, received big/],
      [{ source: 'snapshot', url: 'ftp://x' }, /url: expected an address that begins with http:/],
      [{ source: 'folder', folder: ' ' }, /folder: expected the path/],
    ] as const) {
      await flow.load(dialog);
      flow.send({ payload: street });
      await until(() => flow.received.errors.length >= 1);
      assert.equal(flow.received.errors[0]?.error?.code, 'node-property');
      assert.match(flow.received.errors[0]?.error?.message ?? '', field);
      await helper.unload();
    }
  });

  it('takes new files of a folder', async () => {
    mkdirSync(temp('in'));
    writeFileSync(temp('in/old.jpg'), street);
    await flow.load({ source: 'folder', folder: temp('in'), interval: '0.2' });
    // Answered after the first scan: files of that time are not new.
    flow.send({});
    await until(() => flow.received.frames.length >= 1);
    writeFileSync(temp('in/one.jpg'), street);
    await until(() => flow.received.frames.length >= 2);
    assert.deepEqual(
      flow.received.frames.map(({ frame }) => frame?.name),
      ['old.jpg', 'one.jpg'],
    );
  });

  it('shows its dialog the last picture, made smaller, and nothing before there is one', async () => {
    await flow.load();
    await helper.request().get('/smolvlm-frame/f/sample').expect(204);
    flow.send({ payload: await sharp(street).resize(1920).jpeg().toBuffer(), topic: 'street' });
    await until(() => flow.received.frames.length >= 1);
    const { body, headers } = await helper.request().get('/smolvlm-frame/f/sample').expect(200);
    assert.equal(headers['content-type'], 'image/jpeg');
    assert.equal((await sharp(body as Buffer).metadata()).width, 960);
  });
});
