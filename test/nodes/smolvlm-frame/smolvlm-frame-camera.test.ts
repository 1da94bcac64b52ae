import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import helper from 'node-red-node-test-helper';
import { catalogKey } from '../../../src/node-red/failures/shared-words';
import { FrameFlow, type Received, street, until } from './frame-flow';

describe('smolvlm-frame with its own camera', function () {
  this.timeout(30_000);
  const flow = new FrameFlow();
  let server: Server;
  let up: boolean;
  let requests = 0;
  before((done) => {
    server = createServer((request, response) => {
      requests += 1;
      const good = request.headers.authorization === `Basic ${Buffer.from('me:pass').toString('base64')}`;
      response.statusCode = !up ? 503 : good ? 200 : 401;
      response.setHeader('www-authenticate', 'Basic realm="camera"');
      response.end(up && good ? street : '');
    });
    server.listen(0, '127.0.0.1', done);
  });
  after((done) => void server.close(done));
  beforeEach(() => {
    up = true;
  });
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/snap.jpg`;

  it('fetches a snapshot when a message comes, with its credentials', async () => {
    await flow.load(
      { source: 'snapshot', url: url(), camera: 'porch', cameraType: 'str', retries: '0' },
      { user: 'me', password: 'pass' },
    );
    flow.send({});
    await until(() => flow.received.frames.length >= 1);
    assert.deepEqual(
      [flow.received.frames[0]?.camera, flow.received.frames[0]?.frame?.width],
      ['porch', 640],
    );
    up = false;
    flow.send({});
    await until(() => flow.received.errors.length >= 1);
    assert.match(flow.received.errors[0]?.error?.message ?? '', /503/);
    up = true;
    flow.send({});
    await until(() => flow.received.frames.length >= 2);
  });

  it('is idle until a message asks for the first picture; a camera that is asked at intervals is not', async () => {
    const first = async (dialog: object): Promise<unknown> => {
      await flow.load({ source: 'snapshot', url: url(), name: 'porch', retries: '0', ...dialog });
      const { status } = helper.getNode('f') as unknown as { status: { firstCall: { firstArg: object } } };
      const { firstArg } = status.firstCall;
      await helper.unload();
      return firstArg;
    };
    const shown = { shape: 'ring', text: catalogKey('smolvlm-frame', 'status.idle') };
    assert.deepEqual(await first({ interval: '' }), { ...shown, fill: 'grey' });
    const connecting = { ...shown, fill: 'yellow', text: catalogKey('smolvlm-frame', 'status.connecting') };
    assert.deepEqual(await first({ interval: '60' }), connecting);
  });

  it('sends the picture with the message that asked for it, and only then completes the message', async () => {
    await flow.load({ source: 'snapshot', url: url(), name: 'porch' }, { user: 'me', password: 'pass' });
    const message = {
      ...{ _msgid: 'a1', topic: 'who is there', payload: 'now', parts: { id: 'p', index: 0, count: 1 } },
      ...{ _linkSource: [{ id: 'call', node: 'lc' }], req: { query: { q: '1' } }, res: { _res: {} } },
    };
    flow.send(message);
    await until(() => flow.received.frames.length >= 1);
    const [frame] = flow.received.frames as (Received & Record<string, unknown>)[];
    for (const kept of ['_msgid', 'topic', 'parts', '_linkSource', 'req', 'res'] as const) {
      assert.deepEqual(frame?.[kept], message[kept], kept);
    }
    assert.ok(Buffer.isBuffer(frame?.payload));
    assert.equal(frame.camera, 'porch');
    await until(() => flow.completed.length >= 1);
    assert.deepEqual(
      flow.completed.map(({ _msgid }) => _msgid),
      ['a1'],
    );
  });

  it('fetches one picture for messages that arrive while it is being fetched', async () => {
    await flow.load({ source: 'snapshot', url: url(), name: 'porch' }, { user: 'me', password: 'pass' });
    flow.send({});
    await until(() => flow.received.frames.length >= 1);
    const before = requests;
    for (const _msgid of ['a', 'b', 'c']) flow.send({ _msgid });
    await until(() => flow.received.frames.length >= 4);
    assert.deepEqual(
      flow.received.frames.slice(1).map(({ _msgid }) => _msgid),
      ['a', 'b', 'c'],
    );
    assert.ok(requests - before <= 2, 'one picture; a login may take two requests');
    const [a, b] = flow.received.frames.slice(1) as [Received, Received];
    assert.ok((a.payload as Buffer).buffer !== (b.payload as Buffer).buffer);
  });

  it('reports a camera that does not answer with each message that waited', async () => {
    await flow.load(
      { source: 'snapshot', url: url(), name: 'porch', retries: '0' },
      { user: 'me', password: 'pass' },
    );
    up = false;
    for (const _msgid of ['a', 'b']) flow.send({ _msgid });
    await until(() => flow.received.errors.length >= 2);
    assert.deepEqual(
      flow.received.errors.map(({ _msgid, error }) => [_msgid, error?.code]),
      [
        ['a', 'image-fetch'],
        ['b', 'image-fetch'],
      ],
    );
    assert.equal(flow.completed.length, 0);
  });

  it('holds a message back with its picture when the picture shows nothing new', async () => {
    await flow.load(
      { source: 'snapshot', url: url(), name: 'porch', unchanged: true },
      { user: 'me', password: 'pass' },
    );
    flow.send({ _msgid: 'a' });
    await until(() => flow.received.frames.length >= 1);
    flow.send({ _msgid: 'b', payload: 'mine' });
    await until(() => flow.received.held.length >= 1 && flow.completed.length >= 2);
    assert.deepEqual([flow.received.held[0]?._msgid, flow.received.held[0]?.payload], ['b', 'mine']);
  });

  it('fetches in a rhythm, and says that the camera is stuck', async () => {
    const dialog = { source: 'snapshot', url: url(), interval: '0.02', staleRepeats: '3' };
    await flow.load(
      { ...dialog, name: 'porch', camera: '', cameraType: 'str' },
      { user: 'me', password: 'pass' },
    );
    const stale = (): Received | undefined => flow.received.held.find(({ frame }) => frame?.held === 'stale');
    await until(() => stale() !== undefined);
    assert.equal(stale()?.camera, 'porch');
    assert.match(String(stale()?.frame?.reason), /same bytes \d+ times/);
    assert.ok(flow.received.frames.length <= 2);
  });
});
