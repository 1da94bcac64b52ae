import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import sharp from 'sharp';
import { SmolvlmError } from '../../src/errors';
import { prepareFrame } from '../../src/image/prepare-frame';
import { fixture } from '../fixtures';
import { garden, ServiceRun, street } from './service-run';

describe('describe service with pictures to keep and to publish', () => {
  const run = new ServiceRun();
  afterEach(() => run.close());

  it('does not keep the picture of a request with a response topic', async () => {
    run.start();
    run.transport.deliver('smolvlm/porch/describe', garden);
    await run.ended(1);
    run.transport.deliver('smolvlm/porch/describe', street, { responseTopic: 'asker/7' });
    await run.ended(2);
    run.transport.deliver('smolvlm/porch/describe', '');
    await run.ended(3);
    assert.deepEqual(run.engine.asked[2]?.pictures, [garden]);
  });

  it('keeps the newest picture of a camera while an older one is still described', async () => {
    run.start();
    run.engine.auto = false;
    run.transport.deliver('smolvlm/porch/describe', street);
    while (run.engine.asked.length === 0) await turn();
    run.transport.deliver('smolvlm/porch/describe', garden, { retained: true });
    run.engine.asked[0]?.answer('of the street');
    await run.ended(1);
    run.engine.auto = true;
    run.transport.deliver('smolvlm/porch/describe', '');
    await run.ended(2);
    assert.deepEqual(run.engine.asked[1]?.pictures, [garden]);
  });

  it('remembers a retained picture without describing it', async () => {
    run.start();
    run.transport.deliver('smolvlm/porch/describe', garden, { retained: true });
    run.transport.deliver('smolvlm/porch/describe', 'PRESS', { retained: true });
    assert.equal(run.engine.asked.length, 0);
    run.transport.deliver('smolvlm/porch/describe', '');
    await run.ended(1);
    assert.deepEqual(run.engine.asked[0]?.pictures, [garden]);
  });

  it('does not publish a masked or cropped picture', async () => {
    run.start();
    const picture = street.toString('base64');
    const masks = [
      [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
    ];
    run.transport.deliver('smolvlm/porch/describe', { picture, masks });
    await run.ended(1);
    assert.deepEqual(run.transport.topics(), ['smolvlm/porch/attributes', 'smolvlm/porch/caption']);
    assert.deepEqual(run.engine.asked[0]?.request.masks, masks);
    run.transport.deliver('smolvlm/porch/describe', 'And now?');
    await run.ended(2);
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/error') ?? '').error.code, 'mqtt-no-picture');
  });

  it('publishes pictures without the metadata and the trailing bytes that their files have', async () => {
    run.start({}, prepareFrame);
    const original = readFileSync(fixture('pictures', 'comment-app15-trailer.jpg'));
    assert.ok(original.includes('serial=ABC123'));
    run.transport.deliver('smolvlm/porch/describe', original);
    await run.ended(1);
    const picture = await run.published('smolvlm/porch/picture');
    for (const hidden of ['serial', 'OWNER', 'gps', 'CamCorp']) assert.ok(!picture.includes(hidden), hidden);
    const pixels = (jpeg: Buffer): Promise<Buffer> => sharp(jpeg).raw().toBuffer();
    assert.deepEqual(await pixels(picture), await pixels(original));
    assert.equal(JSON.parse(run.transport.last('smolvlm/porch/attributes') ?? '').picture, undefined);
  });

  it('publishes every picture as a JPEG, the type that Home Assistant is told', async () => {
    run.start({ discoveryPrefix: 'homeassistant' }, prepareFrame);
    run.transport.deliver('smolvlm/porch/describe', await sharp(street).png().toBuffer());
    await run.ended(1);
    const picture = await run.published('smolvlm/porch/picture');
    assert.deepEqual([...picture.subarray(0, 3)], [0xff, 0xd8, 0xff]);
    const config = JSON.parse(run.transport.last('homeassistant/device/smolvlm-porch/config') ?? '');
    assert.equal(config.components.picture.content_type, 'image/jpeg');
  });

  it('says once why a picture is not published, publishes the caption, and notes it in the attributes', async () => {
    run.start({}, async () => {
      throw new SmolvlmError('image-child-lost', 'the image process ended');
    });
    for (let count = 1; count <= 2; count++) {
      run.transport.deliver('smolvlm/porch/describe', street);
      await run.ended(count);
      assert.equal(JSON.parse(run.transport.last('smolvlm/porch/attributes') ?? '').picture, 'omitted');
    }
    assert.ok(run.transport.topics().includes('smolvlm/porch/caption'));
    assert.ok(!run.transport.topics().includes('smolvlm/porch/picture'));
    assert.deepEqual(
      run.troubles.map(({ code }) => code),
      ['image-child-lost'],
    );
    assert.match(
      run.troubles[0]?.message ?? '',
      /camera "porch".* is not published: the image process ended/,
    );
  });
});
