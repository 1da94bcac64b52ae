import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { demoFrame } from '../../fixtures';
import { CaptionFlow, CaptionRuntime } from './caption-flow';

const cat = readFileSync(demoFrame('frame_01_driveway_day.jpg'));
const truck = readFileSync(demoFrame('frame_02_driveway_night.jpg'));
const catCaption =
  'A black cat sits on the left of the driveway during the day, and a brown dog stands on the right.';
const truckCaption =
  'A white truck is parked on the left of the driveway at night, and a green bicycle is parked on the right.';

describe('what changed, by smolvlm-caption', function () {
  this.timeout(180_000);
  new CaptionRuntime();
  let flow: CaptionFlow;

  beforeEach(() => {
    flow = new CaptionFlow();
  });

  it('keeps a camera’s first picture, and compares later ones with it', async () => {
    await flow.load({ preset: 'changed', camera: 'topic', cameraType: 'msg' });
    const first = await flow.ask({ payload: cat, topic: 'drive', capturedAt: '2026-01-01T00:00:00.000Z' });
    assert.deepEqual([first.caption?.dropped, first.caption?.text], ['anchor-set', null]);
    assert.equal(flow.dropped.length, 1);
    assert.ok(Buffer.isBuffer(first.payload), 'the picture is kept');

    const same = await flow.ask({ payload: cat, topic: 'drive' });
    assert.equal(same.caption?.changed, false);
    const { caption, payload } = await flow.ask({ payload: truck, topic: 'drive' });
    assert.equal(caption?.changed, true);
    assert.deepEqual([caption?.before, caption?.now], [catCaption, truckCaption]);
    assert.equal(caption?.anchorAt, '2026-01-01T00:00:00.000Z');
    assert.equal(caption?.text, payload);
    const again = await flow.ask({ payload: truck, topic: 'drive' });
    assert.equal(again.caption?.before, catCaption, 'the anchor stays');
  });

  it('compares each camera with itself', async () => {
    await flow.load({ preset: 'changed', camera: 'topic', cameraType: 'msg' });
    await flow.ask({ payload: cat, topic: 'a' });
    assert.equal((await flow.ask({ payload: truck, topic: 'b' })).caption?.dropped, 'anchor-set');
    assert.equal((await flow.ask({ payload: truck, topic: 'b' })).caption?.changed, false);
    assert.equal((await flow.ask({ payload: truck, topic: 'a' })).caption?.changed, true);
  });

  it('sets another anchor when a message says so', async () => {
    await flow.load({ preset: 'changed' });
    await flow.ask({ payload: cat });
    assert.equal((await flow.ask({ payload: truck, anchor: true })).caption?.dropped, 'anchor-set');
    assert.equal((await flow.ask({ payload: cat })).caption?.before, truckCaption);
  });

  it('compares with the previous picture if configured', async () => {
    await flow.load({ preset: 'changed', anchor: 'previous' });
    await flow.ask({ payload: cat });
    assert.equal((await flow.ask({ payload: truck })).caption?.before, catCaption);
    const back = await flow.ask({ payload: cat });
    assert.deepEqual([back.caption?.before, back.caption?.now], [truckCaption, catCaption]);
  });

  it('takes two pictures of one message as before and now', async () => {
    await flow.load({ preset: 'changed' });
    const { caption } = await flow.ask({ payload: [truck, cat] });
    assert.deepEqual([caption?.before, caption?.now], [truckCaption, catCaption]);
    assert.equal((await flow.ask({ payload: [cat, cat, cat] })).error?.code, 'image-count');
  });

  it('sends both pictures in one request if configured', async () => {
    await flow.load({ preset: 'changed', compare: 'together' });
    await flow.ask({ payload: cat });
    const { caption, payload } = await flow.ask({ payload: truck });
    assert.equal(caption?.tiles, 2);
    assert.equal(caption?.prompt, 'The first picture is from before, the second is from now. What changed?');
    assert.equal(caption?.text, payload);
    assert.ok(String(payload).length > 0);
  });

  it('keeps no anchor across a deployment', async () => {
    await flow.load({ preset: 'changed' });
    await flow.ask({ payload: cat });
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ preset: 'changed' });
    assert.equal((await flow.ask({ payload: truck })).caption?.dropped, 'anchor-set');
  });
});
