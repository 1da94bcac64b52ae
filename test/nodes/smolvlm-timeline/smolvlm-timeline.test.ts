import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Node, NodeMessage } from 'node-red';
import helper from 'node-red-node-test-helper';
import timelineNode from '../../../nodes/smolvlm-timeline/smolvlm-timeline';
import type { TimelineRow } from '../../../src/node-red/timeline/timeline-search';
import type { Digest } from '../../../src/timeline/digest';
import { openTimeline } from '../../../src/timeline/sqlite/open-timeline';
import { demoFrame } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

helper.init(require.resolve('node-red'));

type Received = NodeMessage & {
  entry?: TimelineRow;
  digest?: Digest;
  error?: { code?: string; message: string };
  req?: unknown;
};

const catchNode: unknown = createRequire(__filename)('@node-red/nodes/core/common/25-catch.js');
const frame = readFileSync(demoFrame('frame_01_driveway_day.jpg'));

describe('smolvlm-timeline', function () {
  this.timeout(30_000);
  const path = useTempFolder();

  beforeEach((done) => {
    helper.startServer(done);
  });
  afterEach(async () => {
    await helper.unload();
    await new Promise<void>((resolve) => helper.stopServer(() => resolve()));
  });

  /** @returns a function that sends a message and resolves with what comes out of an output */
  async function load(dialog: object = {}) {
    const place = { x: 1, y: 1, z: 'tab' };
    const outputs = ['entry', 'rows', 'digest', 'bad'];
    const flow = [
      { id: 'tab', type: 'tab', label: 'House' },
      {
        ...place,
        id: 't',
        type: 'smolvlm-timeline',
        folder: path('timeline'),
        ...dialog,
        wires: [['entry'], ['rows'], ['digest']],
      },
      ...outputs.map((id) => ({ ...place, id, type: 'helper' })),
      { ...place, id: 'failures', type: 'catch', scope: ['t'], wires: [['bad']] },
    ];
    await helper.load([timelineNode, catchNode] as never, flow);
    return async (output: 'entry' | 'rows' | 'digest' | 'bad', message: object): Promise<Received> => {
      const received = once(helper.getNode(output), 'input') as Promise<[Received]>;
      helper.getNode('t').receive(message as NodeMessage);
      return (await received)[0];
    };
  }

  const captioned = (text: string, camera = 'porch', rest: object = {}): object => ({
    topic: camera,
    payload: text,
    caption: {
      text,
      camera,
      prompt: 'Describe it.',
      model: 'demo',
      capturedAt: '2026-11-27T11:00:00Z',
      timingsMs: { total: 1500 },
    },
    ...rest,
  });

  it('keeps a caption with its thumbnail and passes the message on', async () => {
    const send = await load();
    const { entry, topic, payload, req } = await send(
      'entry',
      captioned('A man with a parcel.', 'porch', {
        picture: frame,
        req: 'request',
        frame: { width: 640, height: 480 },
      }),
    );
    assert.deepEqual([topic, payload, req], ['porch', 'A man with a parcel.', 'request']);
    const { id, ...rest } = entry ?? {};
    assert.deepEqual(rest, {
      camera: 'porch',
      time: '2026-11-27T11:00:00.000Z',
      text: 'A man with a parcel.',
      ...{ prompt: 'Describe it.', model: 'demo', seconds: 1.5, width: 640, height: 480 },
      ...{ changed: true, hasPicture: false, hasThumbnail: true },
    });
    const store = await openTimeline({ folder: path('timeline'), retention: { days: 30, megabytes: 1000 } });
    const thumbnail = (await store.thumbnail(id as number)) ?? new Uint8Array();
    assert.deepEqual([...thumbnail.subarray(0, 2)], [0xff, 0xd8]);
    await store.close();
  });

  it('has its own name on the captions page, or else that of its flow', async () => {
    for (const [own, shown] of [
      ['', 'House'],
      ['Porch', 'Porch'],
    ]) {
      const send = await load({ name: own });
      await send('entry', captioned('A cat.'));
      const { body } = await helper.request().get('/smolvlm-timeline/timelines');
      assert.deepEqual(body, [{ id: 't', name: shown, mayAsk: false }]);
      await helper.unload();
    }
  });

  it('keeps the picture itself, or none, as the dialog says', async () => {
    let send = await load({ keep: 'picture' });
    const first = await send('entry', captioned('one', 'porch', { picture: frame }));
    assert.deepEqual([first.entry?.hasPicture, first.entry?.hasThumbnail], [true, true]);
    await helper.unload();
    send = await load({ keep: 'none' });
    const second = await send('entry', captioned('two', 'porch', { picture: frame }));
    assert.deepEqual([second.entry?.hasPicture, second.entry?.hasThumbnail], [false, false]);
  });

  it('keeps a caption whose picture is damaged without it, and reports the picture', async () => {
    const send = await load();
    const failed = once(helper.getNode('bad'), 'input') as Promise<[Received]>;
    const { entry } = await send('entry', captioned('a fox', 'porch', { picture: frame.subarray(0, 300) }));
    assert.equal(entry?.hasThumbnail, false);
    assert.match((await failed)[0].error?.code ?? '', /^image-/);
  });

  it('keeps scored answers and fields by name', async () => {
    const send = await load();
    const yes = {
      payload: true,
      caption: { text: 'Yes', camera: 'porch', prompt: 'Is it open?', choices: [] },
    };
    assert.deepEqual((await send('entry', yes)).entry?.answers, { 'Is it open?': true });
    const fields = {
      payload: { dogs: 2 },
      caption: { text: '{"dogs":2}', camera: 'porch', json: { dogs: 2 } },
    };
    assert.deepEqual((await send('entry', fields)).entry?.answers, { dogs: 2 });
  });

  it('answers a question, an object and an empty search, newest first', async () => {
    const send = await load();
    await send('entry', captioned('A parcel on the mat.'));
    await send(
      'entry',
      captioned('A cat.', 'drive', { caption: undefined, capturedAt: '2026-11-27T12:00:00Z' }),
    );
    const texts = async (payload: unknown) =>
      ((await send('rows', { topic: 'search', payload })).payload as TimelineRow[]).map(({ text }) => text);
    assert.deepEqual(await texts('When was a parcel last seen on the porch?'), ['A parcel on the mat.']);
    assert.deepEqual(await texts({ camera: 'drive' }), ['A cat.']);
    assert.deepEqual(await texts({ from: '2026-11-27T11:30:00Z', to: 1795784400 }), ['A cat.']);
    assert.deepEqual(await texts(undefined), ['A cat.', 'A parcel on the mat.']);
    const { payload, next } = (await send('rows', {
      action: 'search',
      payload: { limit: 1 },
    })) as Received & { next: number };
    assert.deepEqual(
      (payload as TimelineRow[]).map(({ text }) => text),
      ['A cat.'],
    );
    assert.deepEqual(await texts({ before: next }), ['A parcel on the mat.']);
  });

  it('refuses what is not a search, and a message without any text', async () => {
    const send = await load();
    for (const [message, code] of [
      [{ topic: 'search', payload: 5 }, 'timeline-search'],
      [{ topic: 'search', payload: { from: 'soon' } }, 'timeline-search'],
      [{ topic: 'search', payload: { limit: 0 } }, 'node-property'],
      [{ topic: 'porch', payload: Buffer.from('x') }, 'timeline-message'],
    ] as const) {
      assert.equal((await send('bad', message)).error?.code, code);
    }
  });

  it('ignores dropped frames and fallback texts', async () => {
    const send = await load();
    helper.getNode('t').receive({ payload: frame, caption: { text: null, dropped: 'superseded' } } as never);
    helper.getNode('t').receive({
      payload: 'no caption',
      caption: { text: 'no caption', fallbackReason: 'deadline' },
    } as never);
    await send('entry', captioned('kept'));
    const { payload } = await send('rows', { topic: 'search' });
    assert.deepEqual(
      (payload as TimelineRow[]).map(({ text }) => text),
      ['kept'],
    );
  });

  it('makes a digest of the last day from what was kept', async () => {
    const send = await load();
    const now = new Date().toISOString();
    for (const text of ['A fox.', 'A fox.', 'A van.']) {
      await send('entry', { topic: 'porch', payload: text, capturedAt: now });
    }
    const { payload, digest, topic } = await send('digest', { action: 'daily' });
    assert.equal(topic, 'daily');
    const [porch] = digest?.cameras ?? [];
    assert.deepEqual([digest?.entries, porch?.entries, porch?.changed], [3, 3, 2]);
    assert.deepEqual(
      porch?.changes.map(({ text }) => text),
      ['A van.', 'A fox.'],
    );
    assert.match(String(payload), /A van\./);
  });

  it('continues after a restart of the flow', async () => {
    let send = await load();
    await send('entry', captioned('before'));
    await helper.unload();
    send = await load();
    const { payload } = await send('rows', { topic: 'search', payload: 'before' });
    assert.equal((payload as unknown[]).length, 1);
  });

  for (const [field, value] of Object.entries({
    days: 0,
    megabytes: 1,
    keep: 'all',
    digest: 'hourly',
    digestTime: '25:00',
    cameraLimits: 'street',
  })) {
    it(`refuses ${field} ${value}`, async () => {
      const send = await load({ [field]: value });
      const { error } = await send('bad', captioned('x'));
      assert.equal(error?.code, 'node-property');
      assert.ok(error?.message.startsWith(field), error?.message);
    });
  }

  it('ends each message that arrives while the flow stops', async () => {
    const send = await load();
    await send('entry', captioned('A fox.'));
    const node = helper.getNode('t') as Node & { error: { firstCall?: { args: [{ code: string }] } } };
    node.receive(captioned('A cat.') as NodeMessage);
    await node.close(false);
    await new Promise(setImmediate);
    assert.match(String(node.error.firstCall?.args[0].code), /^(timeline|node)-closed$/);
  });

  it('names a folder that it cannot use, for each message, and never hangs', async () => {
    writeFileSync(path('file'), '');
    const send = await load({ folder: path('file', 'timeline') });
    for (let index = 0; index < 3; index++) {
      assert.equal((await send('bad', captioned('x'))).error?.code, 'timeline-folder');
    }
  });
});
