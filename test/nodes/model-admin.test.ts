import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import helper from 'node-red-node-test-helper';
import engineNode from '../../nodes/smolvlm-engine/smolvlm-engine';
import { setEnvironment } from '../environment';
import { demoModel } from '../fixtures';
import { LoopbackHub } from '../model/hub/loopback-hub';
import { useTempFolder } from '../temp-folder';

helper.init(require.resolve('node-red'));

describe('models in the dialog of smolvlm-engine, from a hub on this machine', function () {
  this.timeout(120_000);
  const temp = useTempFolder();
  let hub: LoopbackHub;
  let restore = (): void => {};

  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(() => done()));
  beforeEach(async () => {
    const files = new Map<string, Buffer>();
    for (const name of await readdir(demoModel)) files.set(name, await readFile(join(demoModel, name)));
    hub = new LoopbackHub(files);
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
    assert.deepEqual((await post('models', {})).body, { items: [] });
    const { text } = await post('models/fetch', { fetch: 'ORG/NAME' }).buffer(true);
    const events = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { type: string });
    assert.equal(events[0]?.type, 'progress');
    assert.equal(events.at(-1)?.type, 'done', text);
    const { items } = (await post('models', {})).body as { items: { kind: string; name: string }[] };
    assert.deepEqual(
      items.map(({ kind, name }) => [kind, name]),
      [['checkpoint', 'ORG/NAME']],
    );
    assert.deepEqual((await post('models/remove', { remove: 'ORG/NAME' })).body, { items: [] });
  });

  it('says why a model cannot be fetched', async () => {
    for (const [dialog, code] of [
      [{ fetch: 'ORG/MISSING' }, 'hub-not-found'],
      [{ fetch: '../../etc' }, 'hub-not-found'],
      [{ fetch: 'ORG/NAME', location: 'remote', url: 'http://hub.local:8372' }, 'engine-address'],
    ] as const) {
      const { text } = await post('models/fetch', dialog).buffer(true);
      const last = JSON.parse(text.trim().split('\n').at(-1) ?? '') as { error?: { code: string } };
      assert.equal(last.error?.code, code, text);
    }
  });
});
