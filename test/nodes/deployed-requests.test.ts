import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expectedCaption } from '../examples/home';
import {
  answer,
  caption,
  caught,
  engine,
  frame,
  httpIn,
  type Node,
  picture,
  porch,
  useCoreNodes,
} from './core-nodes';

describe('requests during a deployment, in a real Node-RED', function () {
  this.timeout(300_000);
  const red = useCoreNodes();
  const { deploy, ask } = red;

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
      pid = await red.home.enginePid();
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
        const from = red.home.nodeRed.log.length;
        const asked = Array.from({ length: 4 }, () => ask(picture, way));
        await red.home.until(
          () => red.home.nodeRed.log.slice(from).split('[debug:arrived]').length > asked.length,
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
