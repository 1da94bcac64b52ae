import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import sharp from 'sharp';
import frameNode from '../../nodes/smolvlm-frame/smolvlm-frame';
import { demoFrame } from '../fixtures';
import { useTempFolder } from '../temp-folder';

helper.init(require.resolve('node-red'));

type Received = NodeMessage & {
  payload?: unknown;
  camera?: string;
  frame?: Record<string, unknown>;
  error?: { code?: string; message: string };
};

const load = createRequire(__filename);
const types = [
  frameNode,
  load('@node-red/nodes/core/common/25-catch.js'),
  load('@node-red/nodes/core/common/24-complete.js'),
] as never;
const street = readFileSync(demoFrame('frame_09_street_day.jpg'));

describe('smolvlm-frame', function () {
  this.timeout(30_000);
  const temp = useTempFolder();
  let received: { frames: Received[]; held: Received[]; errors: Received[] };
  let completed: Received[];
  let statuses: string[];

  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(() => done()));
  afterEach(() => helper.unload());

  async function loadFlow(dialog: object = {}, credentials: object = {}): Promise<void> {
    received = { frames: [], held: [], errors: [] };
    completed = [];
    statuses = [];
    const flow = [
      { id: 'tab', type: 'tab' },
      {
        ...{
          id: 'f',
          z: 'tab',
          type: 'smolvlm-frame',
          source: 'message',
          camera: 'topic',
          cameraType: 'msg',
        },
        ...{ x: 1, y: 1, image: 'payload', imageType: 'msg', wires: [['frames'], ['held']] },
        ...dialog,
      },
      { id: 'catch', x: 1, y: 1, z: 'tab', type: 'catch', scope: ['f'], wires: [['errors']] },
      { id: 'complete', x: 1, y: 1, z: 'tab', type: 'complete', scope: ['f'], wires: [['completed']] },
      ...['frames', 'held', 'errors', 'completed'].map((id) => ({ id, z: 'tab', type: 'helper' })),
    ];
    await helper.load(types, flow as never, { f: credentials } as never);
    for (const id of ['frames', 'held', 'errors'] as const) {
      helper.getNode(id).on('input', (message: Received) => void received[id].push(message));
    }
    helper.getNode('completed').on('input', (message: Received) => void completed.push(message));
    const node = helper.getNode('f') as unknown as EventEmitter;
    node.on('call:status', (call: { args: [{ text: string }] }) => void statuses.push(call.args[0].text));
  }

  function send(message: object): void {
    (helper.getNode('f') as unknown as { receive(message: object): void }).receive(message);
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await delay(5);
  }

  it('prepares the picture of a message and keeps what else is in it', async () => {
    await loadFlow({ maxSide: '320' });
    send({ payload: street, topic: 'street', label: 'car', capturedAt: '2026-11-24T01:02:03Z' });
    await until(() => received.frames.length >= 1);
    const [message] = received.frames as [Received & { label?: string; topic?: string; capturedAt?: string }];
    assert.deepEqual([message.camera, message.topic, message.label], ['street', 'street', 'car']);
    const { frame } = message;
    assert.deepEqual([frame?.width, frame?.height, frame?.camera], [320, 240, 'street']);
    assert.equal(frame?.capturedAt, '2026-11-24T01:02:03.000Z');
    const { format, width } = await sharp(message.payload as Buffer).metadata();
    assert.deepEqual([format, width], ['jpeg', 320]);
    assert.equal(statuses.at(-1), 'smolvlm-frame.status.passed');
  });

  it('holds unchanged frames back by the second output, until it is reset', async () => {
    await loadFlow({ unchanged: true });
    send({ payload: street, topic: 'street' });
    send({ payload: await sharp(street).jpeg({ quality: 60 }).toBuffer(), topic: 'street' });
    await until(() => received.held.length >= 1);
    assert.deepEqual([received.frames.length, received.held[0]?.frame?.held], [1, 'unchanged']);
    assert.match(String(received.held[0]?.frame?.reason), /of 512 bits differ/);
    send({ reset: true, camera: 'street' });
    send({ payload: street, topic: 'street' });
    await until(() => received.frames.length >= 2);
  });

  it('takes the newest of a flood, and accounts for every message', async () => {
    await loadFlow();
    for (let sent = 0; sent < 50; sent++) send({ payload: street, topic: 'street', sent });
    await until(() => received.frames.length + received.held.length >= 50);
    assert.equal((received.frames.at(-1) as { sent?: number }).sent, 49);
    assert.ok(received.frames.length >= 2 && received.frames.length < 10);
    assert.ok(received.held.every(({ frame }) => frame?.held === 'superseded'));
  });

  it('changes its status at most twice in a second, however many pictures come', async () => {
    const began = performance.now();
    await loadFlow();
    for (let sent = 0; sent < 50; sent++) send({ payload: street, topic: `camera ${sent % 4}` });
    await until(() => received.frames.length + received.held.length >= 50);
    const seconds = (performance.now() - began) / 1000;
    assert.ok(statuses.length <= 2 * Math.ceil(seconds) + 2, `${statuses.length} changes in ${seconds} s`);
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
    await loadFlow({ masks: [all], zones });
    send({ payload: street, topic: 'street' });
    await until(() => received.frames.length >= 2);
    assert.deepEqual(
      received.frames.map(({ camera, frame }) => [camera, frame?.zone, frame?.width]),
      [
        ['street/left', 'left', 320],
        ['street/door', 'door', 160],
      ],
    );
    for (const { payload } of received.frames) {
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
    await loadFlow({ masks, image: 'snapshot', unchanged: true });
    send({ snapshot: street, topic: 'street' });
    send({ snapshot: await sharp(street).jpeg({ quality: 60 }).toBuffer(), topic: 'street' });
    send({ snapshot: street.subarray(0, 2000), topic: 'other' });
    send({ snapshot: Array(17).fill(street), topic: 'many' });
    await until(() => received.frames.length + received.held.length + received.errors.length >= 4);
    const messages = [...received.frames, ...received.held, ...received.errors];
    assert.deepEqual(
      messages.map((message) => 'snapshot' in message),
      [false, false, false, false],
    );
    assert.equal(received.held[0]?.payload, undefined);
  });

  it('leaves no unmasked picture in the message if the camera’s expression fails', async () => {
    const masks = [
      [
        [0, 0],
        [0.5, 0],
        [0, 0.5],
      ],
    ];
    await loadFlow({ masks, camera: '$error("no camera")', cameraType: 'jsonata' });
    send({ payload: street, topic: 'street' });
    await until(() => received.errors.length >= 1);
    assert.equal(received.errors[0]?.payload, undefined);
  });

  it('resets a camera’s zones too, and accepts times of any kind', async () => {
    await loadFlow({ unchanged: true, zones: [{ name: 'all', x: 0, y: 0, width: 1, height: 1 }] });
    send({ payload: street, topic: 'street', capturedAt: 1e20 });
    await until(() => received.frames.length >= 1);
    send({ payload: street, topic: 'street', capturedAt: 1_795_000_000.5 });
    await until(() => received.held.length >= 1);
    assert.equal(received.held[0]?.frame?.capturedAt, new Date(1_795_000_000_500).toISOString());
    send({ reset: true, camera: 'street' });
    send({ payload: street, topic: 'street' });
    await until(() => received.frames.length >= 2);
  });

  it('says what is wrong with a picture, and goes on', async () => {
    await loadFlow();
    send({ payload: Buffer.from('<html>login</html>'), topic: 'street' });
    await until(() => received.errors.length >= 1);
    send({ payload: 7 });
    await until(() => received.errors.length >= 2);
    assert.deepEqual(
      received.errors.map(({ error }) => error?.code),
      ['image-html', 'image-source'],
    );
    send({ payload: street, topic: 'street' });
    await until(() => received.frames.length >= 1);
  });

  it('says which field of the dialog is wrong', async () => {
    for (const [dialog, field] of [
      [{ masks: [[[0, 0]]] }, /masks: expected shapes/],
      [{ zones: [{ name: 'a', x: 0, y: 0, width: 2, height: 1 }] }, /zones: expected/],
      [{ maxSide: 'big' }, /maxSide: expected a whole number from 16 to 8192, received big/],
      [{ source: 'snapshot', url: 'ftp://x' }, /url: expected an address that begins with http:/],
      [{ source: 'folder', folder: ' ' }, /folder: expected the path/],
    ] as const) {
      await loadFlow(dialog);
      send({ payload: street });
      await until(() => received.errors.length >= 1);
      assert.equal(received.errors[0]?.error?.code, 'node-property');
      assert.match(received.errors[0]?.error?.message ?? '', field);
      await helper.unload();
    }
  });

  describe('with its own camera', () => {
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
      await loadFlow(
        { source: 'snapshot', url: url(), camera: 'porch', cameraType: 'str', retries: '0' },
        { user: 'me', password: 'pass' },
      );
      send({});
      await until(() => received.frames.length >= 1);
      assert.deepEqual([received.frames[0]?.camera, received.frames[0]?.frame?.width], ['porch', 640]);
      up = false;
      send({});
      await until(() => received.errors.length >= 1);
      assert.match(received.errors[0]?.error?.message ?? '', /503/);
      up = true;
      send({});
      await until(() => received.frames.length >= 2);
    });

    it('sends the picture with the message that asked for it, and only then completes the message', async () => {
      await loadFlow({ source: 'snapshot', url: url(), name: 'porch' }, { user: 'me', password: 'pass' });
      const message = {
        ...{ _msgid: 'a1', topic: 'who is there', payload: 'now', parts: { id: 'p', index: 0, count: 1 } },
        ...{ _linkSource: [{ id: 'call', node: 'lc' }], req: { query: { q: '1' } }, res: { _res: {} } },
      };
      send(message);
      await until(() => received.frames.length >= 1);
      const [frame] = received.frames as (Received & Record<string, unknown>)[];
      for (const kept of ['_msgid', 'topic', 'parts', '_linkSource', 'req', 'res'] as const) {
        assert.deepEqual(frame?.[kept], message[kept], kept);
      }
      assert.ok(Buffer.isBuffer(frame?.payload));
      assert.equal(frame.camera, 'porch');
      await until(() => completed.length >= 1);
      assert.deepEqual(
        completed.map(({ _msgid }) => _msgid),
        ['a1'],
      );
    });

    it('fetches one picture for messages that arrive while it is being fetched', async () => {
      await loadFlow({ source: 'snapshot', url: url(), name: 'porch' }, { user: 'me', password: 'pass' });
      send({});
      await until(() => received.frames.length >= 1);
      const before = requests;
      for (const _msgid of ['a', 'b', 'c']) send({ _msgid });
      await until(() => received.frames.length >= 4);
      assert.deepEqual(
        received.frames.slice(1).map(({ _msgid }) => _msgid),
        ['a', 'b', 'c'],
      );
      assert.ok(requests - before <= 2, 'one picture; a login may take two requests');
      const [a, b] = received.frames.slice(1) as [Received, Received];
      assert.ok((a.payload as Buffer).buffer !== (b.payload as Buffer).buffer);
    });

    it('reports a camera that does not answer with each message that waited', async () => {
      await loadFlow(
        { source: 'snapshot', url: url(), name: 'porch', retries: '0' },
        { user: 'me', password: 'pass' },
      );
      up = false;
      for (const _msgid of ['a', 'b']) send({ _msgid });
      await until(() => received.errors.length >= 2);
      assert.deepEqual(
        received.errors.map(({ _msgid, error }) => [_msgid, error?.code]),
        [
          ['a', 'image-fetch'],
          ['b', 'image-fetch'],
        ],
      );
      assert.equal(completed.length, 0);
    });

    it('holds a message back with its picture when the picture shows nothing new', async () => {
      await loadFlow(
        { source: 'snapshot', url: url(), name: 'porch', unchanged: true },
        { user: 'me', password: 'pass' },
      );
      send({ _msgid: 'a' });
      await until(() => received.frames.length >= 1);
      send({ _msgid: 'b', payload: 'mine' });
      await until(() => received.held.length >= 1 && completed.length >= 2);
      assert.deepEqual([received.held[0]?._msgid, received.held[0]?.payload], ['b', 'mine']);
    });

    it('fetches in a rhythm, and says that the camera is stuck', async () => {
      const dialog = { source: 'snapshot', url: url(), interval: '0.02', staleRepeats: '3' };
      await loadFlow(
        { ...dialog, name: 'porch', camera: '', cameraType: 'str' },
        { user: 'me', password: 'pass' },
      );
      const stale = (): Received | undefined => received.held.find(({ frame }) => frame?.held === 'stale');
      await until(() => stale() !== undefined);
      assert.equal(stale()?.camera, 'porch');
      assert.match(String(stale()?.frame?.reason), /same bytes \d+ times/);
      assert.ok(received.frames.length <= 2);
    });
  });

  it('takes new files of a folder', async () => {
    mkdirSync(temp('in'));
    await loadFlow({ source: 'folder', folder: temp('in'), interval: '0.2' });
    await delay(100);
    writeFileSync(temp('in/one.jpg'), street);
    await until(() => received.frames.length >= 1);
    assert.equal(received.frames[0]?.frame?.name, 'one.jpg');
  });

  it('shows its dialog the last picture, made smaller, and nothing before there is one', async () => {
    await loadFlow();
    await helper.request().get('/smolvlm-frame/f/sample').expect(204);
    send({ payload: await sharp(street).resize(1920).jpeg().toBuffer(), topic: 'street' });
    await until(() => received.frames.length >= 1);
    const { body, headers } = await helper.request().get('/smolvlm-frame/f/sample').expect(200);
    assert.equal(headers['content-type'], 'image/jpeg');
    assert.equal((await sharp(body as Buffer).metadata()).width, 960);
  });
});
