import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { copyFile, utimes } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectedCaption, Home } from '../examples/home';
import { demoFrame } from '../fixtures';

const porch = 'frame_05_porch_day.jpg';
const street = 'frame_09_street_day.jpg';
const picture = readFileSync(demoFrame(porch));

const fromEnvironment = `$${'{CAMERA}'}`;

type Node = Readonly<Record<string, unknown>>;

const engine = {
  ...{ id: 'engine', type: 'smolvlm-engine', location: 'local', model: 'demo' },
  ...{ queuePolicy: 'newest', queueCapacity: '1', idle: '60' },
};
const set = (property: string, value: string, valueType = 'msg'): object => ({
  ...{ t: 'set', p: property, pt: 'msg', to: value, tot: valueType },
});
const httpIn = (to: string, method = 'post'): Node => ({
  ...{ id: 'in', type: 'http in', url: '/ask', method, wires: [[to]] },
});
const answer: Node = { id: 'answer', type: 'http response', wires: [] };
/** What reaches a catch node, as the answer of its request. */
const caught: readonly Node[] = [
  { id: 'catch', type: 'catch', scope: null, wires: [['fault']] },
  {
    ...{ id: 'fault', type: 'change', wires: [['answer']] },
    rules: [set('payload', 'error.message'), set('statusCode', '500', 'num')],
  },
];
const caption = (to: string, more: Node = {}): Node => ({
  ...{ id: 'caption', type: 'smolvlm-caption', engine: 'engine', preset: 'describe', image: 'payload' },
  ...{ imageType: 'msg', outputs: 2, wires: [[to], [to]] },
  ...more,
});
const frame = (url: string, to: string, more: Node = {}): Node => ({
  ...{ id: 'frame', type: 'smolvlm-frame', name: 'porch', source: 'snapshot', url },
  ...{ unchanged: false, maxSide: '1280', masks: [], zones: [], interval: '', wires: [[to], []] },
  ...more,
});

describe('requests through core nodes and these, in a real Node-RED', function () {
  this.timeout(300_000);
  let home: Home;
  before(async () => {
    home = await Home.start();
    home.show(porch);
  });
  after(() => home.close());

  function deploy(nodes: readonly Node[], type?: 'nodes' | 'flows' | 'full', used = engine): Promise<void> {
    const placed = nodes.map((node) => ('z' in node ? node : { z: 'tab', x: 1, y: 1, ...node }));
    return home.nodeRed.deploy([{ id: 'tab', type: 'tab', label: 'case' }, used, ...placed], type);
  }
  async function ask(body?: Buffer<ArrayBuffer> | string, path = 'ask'): Promise<[number, string]> {
    const response = await fetch(`${home.nodeRed.url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': typeof body === 'string' ? 'application/json' : 'image/jpeg' },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(120_000),
    });
    return [response.status, await response.text()];
  }
  const snapshot = (): string => `${home.url}/snapshot.jpg`;

  it('describes a picture that a request brings, by way of the vision node', async () => {
    const vision = { id: 'vision', type: 'smolvlm-vision', engine: 'engine', image: 'payload' };
    await deploy([
      httpIn('vision'),
      { ...vision, imageType: 'msg', wires: [['caption'], ['answer']] },
      caption('answer'),
      answer,
      ...caught,
    ]);
    assert.deepEqual(await ask(picture), [200, expectedCaption(porch)]);
  });

  it('answers three requests at once through a link call, each with its own message', async () => {
    const link = { timeout: '120', linkType: 'static' };
    const back = { id: 'back', type: 'link out', mode: 'return', links: [], wires: [] };
    await deploy([
      httpIn('call'),
      { id: 'call', type: 'link call', links: ['into'], ...link, wires: [['said']] },
      { id: 'said', type: 'change', rules: [set('payload', 'mine')], wires: [['answer']] },
      { id: 'into', type: 'link in', links: [], wires: [['keep']] },
      { id: 'keep', type: 'change', rules: [set('mine', 'payload.name')], wires: [['frame']] },
      frame(snapshot(), 'caption'),
      // Other questions about the same picture wait, rather than replace each other.
      caption('back', { camera: 'mine', cameraType: 'msg' }),
      back,
      answer,
      ...caught,
    ]);
    const names = ['one', 'two', 'three'];
    const answers = await Promise.all(names.map((name) => ask(JSON.stringify({ name }))));
    assert.deepEqual(
      answers,
      names.map((name) => [200, name]),
    );
  });

  it('answers requests while the frame node also takes pictures by itself', async () => {
    const isAsked = { t: 'nnull', v: '', vt: 'str' };
    await deploy([
      httpIn('frame'),
      frame(snapshot(), 'caption', { interval: '1' }),
      caption('asked'),
      {
        ...{ id: 'asked', type: 'switch', property: 'req', propertyType: 'msg', rules: [isAsked] },
        wires: [['answer']],
      },
      answer,
      ...caught,
    ]);
    for (let request = 0; request < 3; request++) {
      const [status, text] = await ask('{}');
      assert.equal(status, 200);
      // The newest frame replaces a waiting one, which then leaves on the second output.
      assert.ok(text === expectedCaption(porch) || text === '', text);
    }
    assert.doesNotMatch(home.nodeRed.log, /No response object/);
  });

  it('answers a request with the newest picture of a folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-folder-'));
    try {
      await copyFile(demoFrame(porch), join(folder, 'one.jpg'));
      await utimes(join(folder, 'one.jpg'), 1e9, 1e9);
      await copyFile(demoFrame(street), join(folder, 'two.jpg'));
      await deploy([
        httpIn('frame'),
        frame('', 'caption', { source: 'folder', folder }),
        caption('answer'),
        answer,
        ...caught,
      ]);
      assert.deepEqual(await ask('{}'), [200, expectedCaption(street)]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('keeps the parts of a split message, also those of dropped frames', async () => {
    await deploy([
      httpIn('pictures'),
      {
        ...{ id: 'pictures', type: 'function', wires: [['split']], outputs: 1, libs: [] },
        func: 'msg.payload = [msg.payload, msg.payload, msg.payload]; return msg;',
      },
      { id: 'split', type: 'split', splt: '\\n', arraySplt: 1, arraySpltType: 'len', wires: [['caption']] },
      caption('part'),
      {
        ...{ id: 'part', type: 'change', wires: [['join']] },
        rules: [set('payload', '{"text": caption.text, "dropped": caption.dropped}', 'jsonata')],
      },
      { id: 'join', type: 'join', mode: 'auto', wires: [['answer']] },
      answer,
      ...caught,
    ]);
    const [status, body] = await ask(picture);
    const parts = JSON.parse(body) as { text?: string; dropped?: string }[];
    assert.deepEqual([status, parts.length], [200, 3]);
    assert.ok(parts.some(({ text }) => text === expectedCaption(porch)));
    assert.ok(parts.every(({ text, dropped }) => text === expectedCaption(porch) || dropped));
  });

  it('answers from inside a subflow', async () => {
    const subflow = {
      id: 'sub',
      type: 'subflow',
      name: 'Caption',
      in: [{ x: 1, y: 1, wires: [{ id: 'frame' }] }],
    };
    await deploy([
      { ...subflow, out: [{ x: 1, y: 1, wires: [{ id: 'caption', port: 0 }] }], z: undefined },
      frame(fromEnvironment, 'caption', { z: 'sub' }),
      caption('', { z: 'sub', wires: [[], []] }),
      httpIn('instance'),
      {
        ...{ id: 'instance', type: 'subflow:sub', wires: [['answer']] },
        env: [{ name: 'CAMERA', value: snapshot(), type: 'str' }],
      },
      answer,
      ...caught,
    ]);
    assert.deepEqual(await ask('{}'), [200, expectedCaption(porch)]);
  });

  for (const [title, changed] of [
    ['without an engine', { engine: '' }],
    ['with an engine that was deleted', { engine: 'deleted' }],
    ['with an engine of another flow', { engine: 'elsewhere' }],
    ['with a disabled engine', { engine: 'disabled' }],
  ] as const) {
    it(`sends a request through a caption node ${title} to the catch node`, async () => {
      await deploy([
        httpIn('caption'),
        caption('answer', changed),
        { ...engine, id: 'disabled', d: true, z: undefined },
        { id: 'tab2', type: 'tab', label: 'other', z: undefined },
        { ...engine, id: 'elsewhere', z: 'tab2' },
        answer,
        ...caught,
      ]);
      const [status, text] = await ask(picture);
      assert.equal(status, 500);
      assert.match(text, /engine/);
    });
  }

  it('refuses a prompt that is an object or a buffer, and names what it expects', async () => {
    const asked: readonly (readonly [string, string, RegExp])[] = [
      ['req', 'msg', /^prompt: expected a text, received an object\. Choose the property/],
      ['What is {{payload}}?', 'template', /^prompt: \{\{payload\}\}: expected a text, received a buffer\. /],
    ];
    for (const [prompt, promptType, expected] of asked) {
      await deploy([
        ...[httpIn('caption'), caption('answer', { preset: 'ask', prompt, promptType }), answer, ...caught],
      ]);
      const [status, text] = await ask(picture);
      assert.equal(status, 500);
      assert.match(text, expected);
    }
  });

  it('completes a message of each node once, after its picture', async () => {
    const debug = {
      type: 'debug',
      complete: 'completed',
      targetType: 'msg',
      console: true,
      active: true,
      wires: [],
    };
    const completes = (id: string): readonly Node[] => [
      { id: `complete-${id}`, type: 'complete', scope: [id], wires: [[`mark-${id}`]] },
      { id: `mark-${id}`, type: 'change', rules: [set('completed', id, 'str')], wires: [[`told-${id}`]] },
      { id: `told-${id}`, name: `told-${id}`, ...debug },
    ];
    const from = home.nodeRed.log.length;
    await deploy([
      ...[httpIn('frame'), frame(snapshot(), 'caption'), caption('answer'), answer, ...caught],
      ...[...completes('frame'), ...completes('caption')],
    ]);
    assert.deepEqual(await ask('{}'), [200, expectedCaption(porch)]);
    await home.told('told-frame', from);
    await home.told('told-caption', from);
    const told = home.nodeRed.log.slice(from).match(/\[debug:told-\w+\]/g);
    assert.deepEqual(told, ['[debug:told-frame]', '[debug:told-caption]']);
  });

  describe('when flows are deployed while a request is under way', () => {
    let held: ServerResponse[] = [];
    let onHeld = (): void => {};
    const camera = createServer((_request, response) => {
      held.push(response);
      onHeld();
    });
    before((done) => void camera.listen(0, '127.0.0.1', done));
    after((done) => {
      camera.closeAllConnections();
      camera.close(done);
    });
    beforeEach(() => {
      held = [];
    });
    const address = (): string => `http://127.0.0.1:${(camera.address() as AddressInfo).port}/`;
    const flow = (more: Node = {}): readonly Node[] => [
      ...[httpIn('frame'), frame(address(), 'caption'), caption('answer'), answer, ...caught],
      { id: 'other', type: 'change', rules: [], wires: [[]], ...more },
    ];

    /** A request whose picture the camera holds back. */
    async function begun(): Promise<{ readonly answer: Promise<[number, string]> }> {
      const reached = new Promise<void>((resolve) => {
        onHeld = resolve;
      });
      const answer = ask('{}');
      answer.catch(() => {});
      await reached;
      return { answer };
    }

    it('answers it, if only other nodes have changed', async () => {
      await deploy(flow());
      const asked = await begun();
      await deploy(flow({ name: 'changed' }), 'nodes');
      for (const response of held) response.end(picture);
      assert.deepEqual(await asked.answer, [200, expectedCaption(porch)]);
    });

    const changes: readonly (readonly [string, string, (node: Node) => Node | undefined])[] = [
      ['the frame node has changed', 'frame', (node) => ({ ...node, maxSide: '640' })],
      ['the frame node is disabled', 'frame', (node) => ({ ...node, d: true })],
      ['the frame node is deleted', 'frame', () => undefined],
    ];
    for (const [title, id, change] of changes) {
      it(`reports it to the catch node, if ${title}`, async () => {
        await deploy(flow());
        const asked = await begun();
        await deploy(changed(flow(), id, change), 'nodes');
        const [status, text] = await asked.answer;
        assert.equal(status, 500);
        assert.match(text, /the node was stopped before the message was answered/);
      });
    }

    for (const type of ['full', 'flows'] as const) {
      it(`answers 503, if the catch node is stopped too (${type})`, async () => {
        await deploy(flow());
        const asked = await begun();
        await deploy(
          changed(flow(), 'frame', (node) => ({ ...node, maxSide: '640' })),
          type,
        );
        const [status, text] = await asked.answer;
        assert.equal(status, 503);
        assert.match(text, /the node was stopped before the message was answered/);
      });
    }

    it('reports it to the catch node, if the caption node no longer has an engine', async () => {
      await deploy(flow());
      const asked = await begun();
      const withoutEngine = flow().map((node) => (node.id === 'caption' ? { ...node, engine: '' } : node));
      await deploy(withoutEngine, 'nodes');
      for (const response of held) response.end(picture);
      const [status, text] = await asked.answer;
      assert.equal(status, 500);
      assert.match(text, /no engine is chosen/);
    });
  });

  describe('when flows are deployed while the engine has requests', () => {
    let pid = 0;
    before(async () => {
      await deploy([httpIn('caption'), caption('answer'), answer, ...caught]);
      await ask(picture);
      pid = await home.enginePid();
    });
    beforeEach(() => process.kill(pid, 'SIGSTOP'));
    afterEach(() => process.kill(pid, 'SIGCONT'));

    const more = { detail: 'full', camera: '_msgid', cameraType: 'msg' };
    const vision = { id: 'vision', type: 'smolvlm-vision', engine: 'engine', image: 'payload', ...more };
    const arrived = { type: 'debug', name: 'arrived', complete: '_msgid', targetType: 'msg', console: true };
    /** Requests through both nodes, at two addresses. */
    const nodes: readonly Node[] = [
      ...['caption', 'vision'].map((id) => ({
        ...{ id: `in-${id}`, type: 'http in', url: `/${id}`, method: 'post', wires: [[id, 'arrived']] },
      })),
      { id: 'arrived', ...arrived, active: true, wires: [] },
      caption('answer', more),
      { ...vision, imageType: 'msg', wires: [['answer'], ['answer']] },
      answer,
      ...caught,
    ];
    const rename = (node: Node): Node => ({ ...node, name: 'changed' });
    const ways: readonly (readonly [string, string, () => Promise<void>])[] = [
      ['the caption node has changed', 'caption', () => deploy(changed(nodes, 'caption', rename), 'nodes')],
      [
        'the caption node is deleted',
        'caption',
        () =>
          deploy(
            changed(nodes, 'caption', () => undefined),
            'nodes',
          ),
      ],
      ['the vision node has changed', 'vision', () => deploy(changed(nodes, 'vision', rename), 'nodes')],
      ['their engine has changed', 'caption', () => deploy(nodes, 'nodes', { ...engine, idle: '61' })],
    ];
    for (const [title, way, change] of ways) {
      it(`reports all of them to the catch node, if ${title}`, async () => {
        await deploy(nodes);
        const from = home.nodeRed.log.length;
        const asked = Array.from({ length: 4 }, () => ask(picture, way));
        await home.until(
          () => home.nodeRed.log.slice(from).split('[debug:arrived]').length > asked.length,
          'four requests',
        );
        await change();
        for (const [status, text] of await Promise.all(asked)) {
          assert.equal(status, 500);
          assert.match(text, /the node was stopped before the message was answered/);
        }
      });
    }
  });
});

/** The nodes with one of them changed, or left out. */
function changed(
  nodes: readonly Node[],
  id: string,
  change: (node: Node) => Node | undefined,
): readonly Node[] {
  return nodes.flatMap((node): readonly Node[] => {
    const kept = node.id === id ? change(node) : node;
    return kept ? [kept] : [];
  });
}
