import assert from 'node:assert/strict';
import { LocalModels } from '../../src/client/models/local-models';
import type { ModelCacheApi } from '../../src/client/models/model-cache-api';
import { RemoteModels } from '../../src/client/models/remote-models';
import type { FetchProgress, ModelInventory } from '../../src/protocol/models/model-cache';
import { readSettings } from '../../src/system/settings';
import { setEnvironment } from '../environment';
import { demoModelFiles, LoopbackHub } from '../model/hub/loopback-hub';
import { serveFake } from '../server/served-fake';
import { useTempFolder } from '../temp-folder';

interface Place {
  readonly models: ModelCacheApi;
  close(): Promise<void>;
}

async function localPlace(): Promise<Place> {
  return { models: new LocalModels(), close: async () => {} };
}

/** An engine whose environment names the hub. */
async function remotePlace(): Promise<Place> {
  const token = 'a-token-of-the-contract-suite';
  const { hub, cacheDir, npu, rkllm } = readSettings();
  const served = await serveFake({
    tcp: { host: '127.0.0.1', port: 0, token },
    hub,
    settings: { cacheDir, npu, rkllm },
  });
  const models = new RemoteModels({ kind: 'remote', url: new URL(served.url ?? ''), token });
  return { models, close: () => served.close() };
}

function names({ cached }: ModelInventory): string[] {
  return cached.map(({ kind, name }) => `${kind} ${name}`);
}

for (const [name, open] of [
  ['this machine', localPlace],
  ['an engine on another machine', remotePlace],
] as const) {
  describe(`models of ${name}, from a hub on this machine`, function () {
    this.timeout(120_000);
    const temp = useTempFolder();
    let hub: LoopbackHub;
    let place: Place;
    let models: ModelCacheApi;
    let restore = (): void => {};

    beforeEach(async () => {
      hub = new LoopbackHub(demoModelFiles());
      await hub.start();
      restore = setEnvironment({ SMOLVLM_CACHE: temp('cache'), HF_ENDPOINT: hub.endpoint });
      place = await open();
      models = place.models;
    });
    afterEach(async () => {
      await place.close();
      await hub.stop();
      restore();
    });

    it('are listed with what can be fetched, fetched with progress, and removed', async () => {
      const before = await models.list();
      assert.deepEqual(before.cached, []);
      assert.ok(before.fetchable.some(({ id, suits }) => /256M/.test(id) && suits === 'first'));
      const seen: FetchProgress[] = [];
      await models.fetch('ORG/NAME', { onProgress: (progress) => seen.push(progress) });
      assert.equal(seen.at(-1)?.doneBytes, seen.at(-1)?.totalBytes);
      const after = await models.list();
      assert.deepEqual(names(after), ['checkpoint ORG/NAME']);
      assert.ok(!JSON.stringify(after).includes(temp('cache')), 'no path');
      assert.deepEqual((await models.remove('ORG/NAME')).cached, []);
    });

    it('are paused, and continued where they stopped', async () => {
      hub.throttleMs = 10;
      const pause = new AbortController();
      const paused = models.fetch('ORG/NAME', {
        signal: pause.signal,
        onProgress: ({ doneBytes }) => doneBytes > 500_000 && pause.abort(),
      });
      await assert.rejects(paused, { name: 'AbortError' });
      assert.deepEqual(names(await models.list()), ['download ORG/NAME']);
      hub.throttleMs = 0;
      await models.fetch('ORG/NAME');
      assert.deepEqual(names(await models.list()), ['checkpoint ORG/NAME']);
      assert.ok(hub.seen.some(({ range }) => range !== undefined));
    });

    it('have names, never paths or options', async () => {
      for (const id of ['ORG/MISSING', '../../etc', '/etc/passwd', '-x/name', 'demo']) {
        await assert.rejects(models.fetch(id), { code: 'hub-not-found' }, id);
      }
      await models.fetch('ORG/NAME');
      for (const wrong of ['ORG', 'ORG/OTHER', '../cache', '--all', temp('cache')]) {
        await assert.rejects(models.remove(wrong), { code: 'model-not-found' }, wrong);
      }
      assert.deepEqual(names(await models.list()), ['checkpoint ORG/NAME']);
    });
  });
}
