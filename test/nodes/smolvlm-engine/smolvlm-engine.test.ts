import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import helper from 'node-red-node-test-helper';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import type { EngineCheck } from '../../../src/node-red/engine/engine-admin';
import type { EngineNode } from '../../../src/node-red/engine/engine-node';
import type { EngineEvent } from '../../../src/protocol/events';
import { NdjsonDecoder } from '../../../src/protocol/ndjson';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { useCleanup } from '../../cleanup';
import { setEnvironment } from '../../environment';
import { serveFake } from '../../server/served-fake';

helper.init(require.resolve('node-red'));

const token = 'a-token-of-this-test';

describe('smolvlm-engine', () => {
  const cleanup = useCleanup();
  let served: ServedEngine;
  const remote = () => ({ location: 'remote', url: served.url, model: 'demo' });

  before(async () => {
    served = await serveFake({ tcp: { host: '127.0.0.1', port: 0, token } });
    await new Promise<void>((resolve) => helper.startServer(resolve));
  });
  after(async () => {
    await new Promise<void>((resolve) => helper.stopServer(resolve));
    await served.close();
  });
  afterEach(() => helper.unload());

  async function load(dialog: object, credentials: object = {}): Promise<EngineNode> {
    await helper.load([engineNode] as never, [{ id: 'e', type: 'smolvlm-engine', ...dialog }], {
      e: credentials,
    } as never);
    return helper.getNode('e') as unknown as EngineNode;
  }

  /** What an open dialog sends, as the editor's jQuery does. */
  async function check(dialog: object): Promise<EngineCheck> {
    const { body } = await helper
      .request()
      .post('/smolvlm-engine/check')
      .set('X-Requested-With', 'XMLHttpRequest')
      .field('dialog', JSON.stringify(dialog))
      .expect(200);
    return body;
  }

  it('connects to its engine with the saved address and token, and releases it when it closes', async () => {
    const node = await load(remote(), { token });
    const engine = node.engine();
    assert.equal(engine.state, 'idle', 'nothing is opened before it is used');
    assert.equal((await engine.status()).leases, 1);
    assert.equal(node.engine(), engine);
    await helper.unload();
    assert.equal(engine.state, 'closed');
  });

  it('uses the dialog’s fields as defaults of every request', async () => {
    const { settings } = await load({
      ...remote(),
      backend: 'cpu',
      decoder: 'auto',
      precision: 'int4',
      threads: '2',
      queuePolicy: 'reject',
      queueCapacity: '3',
      maxAge: '1.5',
    });
    assert.deepEqual(settings.defaults, {
      model: 'demo',
      runtime: { backend: 'cpu', precision: 'int4', threads: 2 },
      queue: { policy: 'reject', capacity: 3 },
      maxAgeMs: 1500,
    });
  });

  it('reports an invalid address at once, and again to every node that uses it', async () => {
    const node = await load({ location: 'remote', url: 'ftp://hub' });
    assert.throws(() => node.engine(), { code: 'engine-address', message: /ftp:\/\/hub/ });
    const said = (node as unknown as { error: { firstCall: { firstArg: Error } } }).error.firstCall.firstArg;
    assert.match(said.message, /http\(s\):\/\/host:port/);
  });

  describe('check from its dialog', () => {
    it('checks the engine that is entered, not the saved one', async () => {
      await load({ location: 'remote', url: 'http://127.0.0.1:9', model: 'demo' }, { token: 'old' });
      const answer = await check({ id: 'e', ...remote(), token });
      assert.ok('doctor' in answer);
      assert.ok(answer.doctor.checks.some(({ id, state }) => id === 'node' && state === 'ok'));
      assert.equal(answer.status.pid, process.pid);
    });

    it('checks the model that is entered; a folder of another machine cannot be', async () => {
      await load({});
      const answer = await check({ ...remote(), token });
      assert.ok('doctor' in answer && answer.doctor.checks.some(({ id }) => id === 'bundle'));
      const folder = await check({ ...remote(), model: '/nowhere/bundle', token });
      assert.ok('doctor' in folder);
      const missing = folder.doctor.checks.find(({ id }) => id === 'bundle');
      assert.match(JSON.stringify(missing), /nowhere/);
    });

    it('uses the saved token if the editor shows only a placeholder', async () => {
      await load(remote(), { token });
      assert.ok('doctor' in (await check({ id: 'e', ...remote(), token: '__PWRD__' })));
      const refused = await check({ id: 'e', ...remote(), token: 'wrong' });
      assert.equal('error' in refused && refused.error.code, 'request-unauthorized');
    });

    it('sends the saved token to the saved address only', async () => {
      const asked: string[] = [];
      const stranger = createServer((request, response) => {
        asked.push(`${request.url}`);
        response.end();
      });
      cleanup(() => stranger.close());
      await once(stranger.listen(0, '127.0.0.1'), 'listening');
      const { port } = stranger.address() as AddressInfo;
      await load(remote(), { token });
      for (const url of [`http://127.0.0.1:${port}`, served.url?.replace('127.0.0.1', 'localhost')]) {
        const answer = await check({ id: 'e', ...remote(), url, token: '__PWRD__' });
        assert.ok('error' in answer);
        assert.equal(answer.error.code, 'dialog-token');
        assert.doesNotMatch(JSON.stringify(answer), new RegExp(token));
      }
      assert.deepEqual(asked, []);
    });

    it('fills in variables of the environment, as the runtime does for a saved node', async () => {
      await load({});
      cleanup(setEnvironment({ SMOLVLM_TEST_URL: served.url ?? '' }));
      const answer = await check({ ...remote(), url: `\${${'SMOLVLM_TEST_URL'}}`, token });
      assert.ok('doctor' in answer, JSON.stringify(answer));
    });

    it('answers an invalid address and an unreachable engine with a hint', async () => {
      await load({});
      const none = await check({ location: 'remote', url: 'hub' });
      assert.ok('error' in none);
      assert.equal(none.error.code, 'engine-address');
      assert.match(none.error.hint ?? '', /http:\/\/hub\.local:8372/);
    });

    it('leaves no lease behind', async () => {
      const node = await load(remote(), { token });
      await check({ id: 'e', ...remote(), token });
      // The engine hears a little later that the connection was closed.
      while ((await node.engine().status()).leases > 1) await delay(20);
    });

    it('refuses a form that another site’s page could have sent', async () => {
      await load({});
      const { body } = await helper.request().post('/smolvlm-engine/check').field('dialog', '{}');
      assert.equal(body.error.code, 'dialog-request');
      assert.match(body.error.message, /X-Requested-With/);
    });
  });

  describe('trial from its dialog', () => {
    /** The events that the dialog hears, without heartbeats. */
    async function trial(dialog: object, picture?: Buffer): Promise<EngineEvent[]> {
      const request = helper
        .request()
        .post('/smolvlm-engine/try')
        .set('X-Requested-With', 'XMLHttpRequest')
        .field('dialog', JSON.stringify(dialog));
      if (picture) request.attach('picture', picture, 'frame.jpg');
      const { body } = await request.buffer(true).parse((response, done) => {
        const decoder = new NdjsonDecoder();
        const events: object[] = [];
        response.on('data', (bytes: Buffer) => void events.push(...decoder.push(bytes)));
        response.on('end', () => done(null, events));
      });
      return body;
    }
    const picture = Buffer.from('a picture');

    it('streams progress and tokens, and ends with the answer', async () => {
      await load({});
      const events = await trial({ ...remote(), token, prompt: 'What is this?' }, picture);
      assert.ok(events.some(({ type }) => type === 'progress'));
      const said = events.map((event) => (event.type === 'token' ? event.text : '')).join('');
      const final = events.at(-1);
      assert.ok(final?.type === 'result');
      assert.equal(final.result.text, '1 of 9 bytes: What is this?');
      assert.equal(said, final.result.text);
      assert.equal(final.result.model, 'demo');
    });

    it('asks for a description if no question is entered', async () => {
      await load({});
      const final = (await trial({ ...remote(), token, prompt: ' ' }, picture)).at(-1);
      assert.equal(final?.type === 'result' && final.result.prompt, 'Describe this image.');
    });

    it('ends with an error and a hint if there is no picture or no such engine', async () => {
      await load({});
      const codes = [];
      for (const events of [
        await trial({ ...remote(), token }),
        await trial({ location: 'remote', url: 'hub' }, picture),
        await trial({ ...remote(), token, prompt: 'fail' }, picture),
      ]) {
        const final = events.at(-1);
        codes.push(final?.type === 'error' && final.error.code);
      }
      assert.deepEqual(codes, ['dialog-picture', 'engine-address', 'image-truncated']);
    });

    it('cancels the request when the dialog is closed', async () => {
      const node = await load(remote(), { token });
      const dialog = helper
        .request()
        .post('/smolvlm-engine/try')
        .set('X-Requested-With', 'XMLHttpRequest')
        .field('dialog', JSON.stringify({ ...remote(), token, prompt: 'slow 60000' }))
        .attach('picture', picture, 'frame.jpg');
      dialog.end(() => {});
      const editor = async () => (await node.engine().status()).cameras.editor;
      while ((await editor())?.running !== 1) await delay(20);
      const { dropped } = (await editor()) ?? {};
      dialog.abort();
      while ((await editor())?.running !== 0) await delay(20);
      assert.equal((await editor())?.dropped.cancelled, (dropped?.cancelled ?? 0) + 1);
    });
  });
});
