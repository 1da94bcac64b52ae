import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import engineNode from '../../../nodes/smolvlm-engine/smolvlm-engine';
import type { ModelInventory } from '../../../src/protocol/models/model-cache';
import { readSettings } from '../../../src/system/settings';
import { setEnvironment } from '../../environment';
import { demoModelFiles, LoopbackHub } from '../../model/hub/loopback-hub';
import { serveFake } from '../../server/served-fake';
import { useTempFolder } from '../../temp-folder';

helper.init(require.resolve('node-red'));

describe('models in the dialog of smolvlm-engine, from a hub on this machine', function () {
  this.timeout(120_000);
  const temp = useTempFolder();
  let hub: LoopbackHub;
  let restore = (): void => {};

  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(() => done()));
  beforeEach(async () => {
    hub = new LoopbackHub(demoModelFiles());
    await hub.start();
    restore = setEnvironment({ SMOLVLM_CACHE: temp('cache'), HF_ENDPOINT: hub.endpoint });
    await helper.load(engineNode as never, []);
  });
  afterEach(async () => {
    await helper.unload();
    await hub.stop();
    restore();
  });

  const post = (path: string, dialog: object) =>
    helper
      .request()
      .post(`/smolvlm-engine/${path}`)
      .set('X-Requested-With', 'XMLHttpRequest')
      .field('dialog', JSON.stringify({ location: 'local', model: 'demo', ...dialog }));

  it('lists, fetches with progress, and removes', async () => {
    assert.deepEqual((await post('models', {})).body.cached, []);
    const { text } = await post('models/fetch', { fetch: 'ORG/NAME' }).buffer(true);
    const events = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { type: string });
    assert.equal(events[0]?.type, 'progress');
    assert.equal(events.at(-1)?.type, 'done', text);
    const { cached } = (await post('models', {})).body as ModelInventory;
    assert.deepEqual(
      cached.map(({ kind, name }) => [kind, name]),
      [['checkpoint', 'ORG/NAME']],
    );
    assert.deepEqual((await post('models/remove', { remove: 'ORG/NAME' })).body.cached, []);
  });

  it('does the same on the machine of a remote engine', async () => {
    const token = 'a-token-of-this-suite';
    const { hub: source, npu, rkllm } = readSettings();
    const served = await serveFake({
      tcp: { host: '127.0.0.1', port: 0, token },
      hub: source,
      settings: { cacheDir: temp('there'), npu, rkllm },
    });
    const there = { location: 'remote', url: served.url, token };
    try {
      const { text } = await post('models/fetch', { ...there, fetch: 'ORG/NAME' }).buffer(true);
      assert.match(text, /"type":"progress".*"type":"done"/s);
      const names = ({ cached }: ModelInventory): string[] => cached.map(({ name }) => name);
      assert.deepEqual(names((await post('models', there)).body), ['ORG/NAME']);
      assert.deepEqual(names((await post('models', {})).body), [], 'nothing on this machine');
      assert.deepEqual(names((await post('models/remove', { ...there, remove: 'ORG/NAME' })).body), []);
      const wrong = await post('models', { ...there, token: 'another-token-0123' });
      assert.equal(wrong.body.error.code, 'request-unauthorized');
    } finally {
      await served.close();
    }
  });

  it('says why a model cannot be fetched', async () => {
    for (const [dialog, code] of [
      [{ fetch: 'ORG/MISSING' }, 'hub-not-found'],
      [{ fetch: '../../etc' }, 'hub-not-found'],
      [{ fetch: 'ORG/NAME', location: 'group', url: 'nats://127.0.0.1:4222' }, 'engine-address'],
      [{ fetch: 'ORG/NAME', location: 'remote', url: 'http://127.0.0.1:9' }, 'engine-unreachable'],
    ] as const) {
      const { text } = await post('models/fetch', dialog).buffer(true);
      const last = JSON.parse(text.trim().split('\n').at(-1) ?? '') as { error?: { code: string } };
      assert.equal(last.error?.code, code, text);
    }
  });
});
