import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demoFrame } from '../../fixtures';
import { CaptionFlow, CaptionRuntime } from './caption-flow';

const street = readFileSync(demoFrame('frame_09_street_day.jpg'));
/** Long before any caption can be there. */
const atOnce = '0.001';

describe('captions in time, by smolvlm-caption', function () {
  this.timeout(180_000);
  const runtime = new CaptionRuntime();
  let flow: CaptionFlow;
  /** Takes a request for a picture, and says nothing. */
  let silent: Server;

  before((done) => {
    silent = createServer(() => {}).listen(0, '127.0.0.1', done);
  });
  after(() => {
    silent.closeAllConnections();
    silent.close();
  });
  beforeEach(() => {
    flow = new CaptionFlow();
  });

  it('sends the fallback at the deadline, once, through the first output', async () => {
    await flow.load({
      deadline: atOnce,
      fallback: 'Somebody is at the {{camera}} ({{label}})',
      camera: 'porch',
    });
    const { payload, caption, keep } = await flow.ask({ payload: street, keep: 'me', label: 'person' });
    assert.equal(payload, 'Somebody is at the porch (person)');
    assert.equal(keep, 'me');
    assert.deepEqual(
      [caption?.text, caption?.short, caption?.fallbackReason, caption?.camera],
      [payload, payload, 'deadline', 'porch'],
    );
    assert.match(String(caption?.reason), /no caption within 0\.001 s/);
    await flow.status(/fallback/);
    assert.equal(flow.captions.length, 1);
  });

  it('keeps the deadline while a camera does not deliver its picture', async () => {
    const { port } = silent.address() as AddressInfo;
    await flow.load({ deadline: '0.2', fallback: 'No picture' });
    const { payload, caption } = await flow.ask({ payload: `http://127.0.0.1:${port}/snapshot.jpg` });
    assert.deepEqual([payload, caption?.fallbackReason], ['No picture', 'deadline']);
  });

  it('sends the late caption if configured', async () => {
    await flow.load({ deadline: atOnce, fallback: 'Wait', late: true });
    flow.send({ payload: street, keep: 'me' });
    await flow.ended(2);
    const [fallback, late] = flow.captions;
    assert.equal(fallback?.payload, 'Wait');
    assert.equal('late' in (fallback?.caption ?? {}), false);
    assert.match(String(late?.payload), /^A person in a yellow jacket/);
    assert.equal(late?.caption?.late, true);
    assert.equal(late?.caption?.captionId, fallback?.caption?.captionId);
    assert.equal(late?.keep, 'me');
  });

  it('sends the error of a late caption to Catch, after the fallback', async () => {
    await flow.load({ deadline: atOnce, fallback: 'Wait', late: true });
    flow.send({ payload: street.subarray(0, 9000) });
    await flow.ended(2);
    assert.equal(flow.captions[0]?.payload, 'Wait');
    assert.equal(flow.errors[0]?.error?.code, 'image-truncated');
  });

  it('sends errors to Catch, and the fallback in their place only if configured', async () => {
    await flow.load({ deadline: '60', fallback: 'Look yourself' });
    assert.equal((await flow.ask({ payload: 7 })).error?.code, 'image-source');
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ fallback: 'Look yourself', fallbackAlways: true });
    const { payload, caption, error } = await flow.ask({ payload: 7 });
    assert.equal(error, undefined);
    assert.equal(payload, 'Look yourself');
    assert.equal(caption?.fallbackReason, 'image-source');
    assert.match(JSON.stringify(caption?.error), /Choose the message property/);
  });

  it('sends the fallback in place of dropped pictures if configured', async () => {
    const tooOldAtOnce = { maxAge: '0.000001' };
    await flow.load({ fallback: 'Busy' }, tooOldAtOnce);
    assert.equal((await flow.ask({ payload: street })).caption?.dropped, 'expired');
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ fallback: 'Busy', fallbackAlways: true }, tooOldAtOnce);
    const { payload, caption } = await flow.ask({ payload: street });
    assert.deepEqual([payload, caption?.fallbackReason], ['Busy', 'expired']);
    assert.equal(flow.dropped.length, 0);
  });

  it('takes fallback and deadline from the message where the dialog is blank', async () => {
    await flow.load();
    const { payload } = await flow.ask({
      payload: street,
      deadline: 0.001,
      fallback: 'From {{topic}}',
      topic: 'hall',
    });
    assert.equal(payload, 'From hall');
  });

  it('sends no fallback if the caption is in time', async () => {
    await flow.load({ deadline: '60', fallback: 'Too late' });
    const { payload, caption } = await flow.ask({ payload: street });
    assert.match(String(payload), /^A person/);
    assert.equal('fallbackReason' in (caption ?? {}), false);
  });

  it('sends no fallback for running requests when the node closes', async () => {
    await flow.load({ detail: 'full', deadline: '60', fallback: 'Closing', fallbackAlways: true });
    for (let frame = 0; frame < 3; frame++) flow.send({ payload: street, topic: `c${frame}` });
    await runtime.working(flow);
    await flow.unload();
    assert.ok(flow.captions.every(({ payload }) => payload !== 'Closing'));
  });

  it('streams the tokens, and still sends the whole caption through the first output', async () => {
    await flow.load({ stream: true, camera: 'porch' });
    const { payload, caption } = await flow.ask({ payload: street, topic: 't' });
    const pieces = flow.pieces.map((piece) => piece.payload);
    assert.ok(pieces.length > 3, `${pieces.length} pieces`);
    assert.equal(pieces.join(''), payload);
    let whole = '';
    for (const [index, piece] of flow.pieces.entries()) {
      whole += piece.payload;
      const done = index === flow.pieces.length - 1;
      const { captionId } = caption ?? {};
      assert.deepEqual(piece.caption, { captionId, camera: 'porch', partial: whole, done });
      assert.equal((piece as { topic?: string }).topic, 't');
    }
  });

  it('streams nothing if streaming is off or the answer is not text', async () => {
    await flow.load();
    await flow.ask({ payload: street });
    assert.equal(flow.pieces.length, 0);
    await flow.unload();
    flow = new CaptionFlow();
    await flow.load({ preset: 'yes-no', stream: true });
    assert.equal((await flow.ask({ payload: street })).payload, true);
    assert.equal(flow.pieces.length, 0);
  });
});
