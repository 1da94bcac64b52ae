import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NodeAPI } from 'node-red';
import helper from 'node-red-node-test-helper';
import sidebar from '../../../nodes/sidebar/sidebar';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import type { EngineNode } from '../../../src/node-red/engine/engine-node';
import type { ListedEngine } from '../../../src/node-red/engine/engine-overview';
import { engineOverviews } from '../../../src/node-red/engine/sidebar';
import { protocolVersion } from '../../../src/protocol/engine-status';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { useCleanup } from '../../cleanup';
import { NatsFake } from '../../nats/nats-fake';
import { hasNatsServer } from '../../nats/test-server';
import { serveFake } from '../../server/served-fake';

helper.init(require.resolve('node-red'));

describe('sidebar’s view of the engines', () => {
  const cleanup = useCleanup();
  let served: ServedEngine;
  let runtime: NodeAPI;
  const picture = Buffer.from('a picture');

  before(async () => {
    served = await serveFake();
    await new Promise<void>((resolve) => helper.startServer(resolve));
  });
  after(async () => {
    await new Promise<void>((resolve) => helper.stopServer(resolve));
    await served.close();
  });
  afterEach(() => helper.unload());

  async function load(...engines: object[]): Promise<void> {
    const flow = engines.map((engine, index) => ({ id: `e${index}`, type: 'smolvlm-engine', ...engine }));
    const keepRuntime = (RED: NodeAPI): void => {
      runtime = RED;
    };
    await helper.load([engineNode, sidebar, keepRuntime] as never, flow);
  }
  const hub = (more: object = {}) => ({
    name: 'Hub',
    location: 'remote',
    url: served.url,
    model: 'fake',
    ...more,
  });
  const engine = (id: string) => (helper.getNode(id) as unknown as EngineNode).engine();

  async function seen(known = ''): Promise<ListedEngine[]> {
    const { body } = await helper.request().get('/smolvlm-sidebar/engines').query({ known }).expect(200);
    return body.engines;
  }

  it('opens no connection, and so starts no engine', async () => {
    await load(hub(), { location: 'local' });
    const [remote, local] = await seen();
    assert.deepEqual(
      [remote?.state, remote?.name, remote?.place, remote?.status],
      ['idle', 'Hub', new URL(served.url ?? '').origin, undefined],
    );
    assert.deepEqual([local?.state, local?.place], ['idle', 'local']);
  });

  it('has status and frames once a node has used the engine; a frame is sent once', async () => {
    await load(hub());
    await engine('e0').describe({ prompt: 'one', camera: 'gate' }, [picture]);
    const [first] = await seen();
    assert.equal(first?.status?.cameras.gate?.done, 1);
    assert.deepEqual(first?.status?.coreLoad.length, 3);
    assert.deepEqual(
      first?.frames.map(({ prompt }) => prompt),
      ['one'],
    );
    await engine('e0').describe({ prompt: 'two', camera: 'gate' }, [picture]);
    const [later] = await seen(`e0:${first?.frames[0]?.sequence}`);
    assert.deepEqual(
      later?.frames.map(({ prompt }) => prompt),
      ['two'],
    );
    assert.equal(later?.oldestSequence, first?.frames[0]?.sequence);
  });

  it('has a row for each hub of a group, and the queue that they share', async function () {
    if (!hasNatsServer) this.skip();
    const fake = await NatsFake.start();
    try {
      await fake.hub();
      await fake.hub();
      await load({ location: 'group', url: fake.server.url });
      await engine('e0').describe({ prompt: 'one', camera: 'gate' }, [picture]);
      let [listed] = await seen();
      // A hub acknowledges a frame after its answer.
      while (listed?.group?.queue?.cameras.gate !== undefined) [listed] = await seen();
      assert.deepEqual(listed?.group?.hubs.map(({ lastMinute }) => lastMinute).toSorted(), [0, 1]);
      assert.deepEqual(listed?.group?.queue?.cameras, {});
      assert.equal(listed?.status?.cameras.gate?.done, 1);
      await helper.unload();
    } finally {
      await fake.close();
    }
  });

  it('keeps as many frames as the dialog says, and none for 0', async () => {
    await load(hub({ recentFrames: '1' }), hub({ recentFrames: '0' }));
    for (const id of ['e0', 'e1'])
      for (const prompt of ['one', 'two']) await engine(id).describe({ prompt }, [picture]);
    assert.deepEqual(
      (await seen()).map(({ frames }) => frames.map(({ prompt }) => prompt)),
      [['two'], []],
    );
  });

  it('lists the other engines while one does not report its status, and gives that request up', async () => {
    let asked: (request: IncomingMessage) => void = () => {};
    const arrived = new Promise<IncomingMessage>((resolve) => {
      asked = resolve;
    });
    const stopped = createServer((request, response) => {
      if (request.url === '/v1/lease')
        response.write(`${JSON.stringify({ instance: 'one', protocol: protocolVersion })}\n`);
      else asked(request);
    });
    cleanup(() => {
      stopped.closeAllConnections();
      stopped.close();
    });
    await once(stopped.listen(0, '127.0.0.1'), 'listening');
    const { port } = stopped.address() as AddressInfo;
    await load(hub({ name: 'Stopped', url: `http://127.0.0.1:${port}` }), hub());
    await Promise.all([engine('e0').open(), engine('e1').open()]);
    const deadline = new AbortController();
    const deadlines = [deadline.signal, new AbortController().signal];
    const listed = engineOverviews(runtime, new Map(), () => deadlines.shift() ?? assert.fail());
    const { socket } = await arrived;
    const closed = once(socket, 'close');
    deadline.abort();
    const [silent, healthy] = await listed;
    assert.deepEqual(
      [silent?.name, silent?.error?.code, silent?.status],
      ['Stopped', 'engine-unreachable', undefined],
    );
    assert.ok(healthy?.status);
    await closed;
  });

  it('shows what is wrong with an unusable node', async () => {
    await load({ location: 'remote', url: 'hub' });
    const [broken] = await seen();
    assert.deepEqual([broken?.state, broken?.error?.code], ['closed', 'engine-address']);
  });

  it('tolerates an invalid query', async () => {
    await load(hub());
    for (const known of ['e0', ':', 'e0:x', '__proto__:1', 'e0:1e400'])
      assert.equal((await seen(known)).length, 1);
  });
});
