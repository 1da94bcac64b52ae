import assert from 'node:assert/strict';
import { CaptionerCache } from '../../src/engine/captioner-cache';
import type { Captioner } from '../../src/engine/inference';

describe('models in memory', () => {
  let log: string[];
  let cache: CaptionerCache;
  const hooks = { onProgress: () => {}, signal: new AbortController().signal };

  beforeEach(() => {
    log = [];
    cache = new CaptionerCache({
      modelLimitBytes: 250,
      defaultModel: 'a',
      open: async ({ model, precision = 'int8' }): Promise<Captioner> => {
        log.push(`open ${model} ${precision}`);
        return {
          backend: precision,
          memoryBytes: model === 'huge' ? 1000 : 100,
          describe: () => Promise.reject(new Error('not asked for')),
          close: async () => void log.push(`close ${model} ${precision}`),
        };
      },
    });
  });

  it('opens a model once, and once more for other options', async () => {
    await cache.get({}, hooks);
    await cache.get({ model: 'a' }, hooks);
    await cache.get({ model: 'a', runtime: { precision: 'int4' } }, hooks);
    assert.deepEqual(log, ['open a int8', 'open a int4']);
  });

  it('closes the least recently used beyond the memory limit', async () => {
    for (const model of ['a', 'b', 'a', 'c']) await cache.get({ model }, hooks);
    assert.deepEqual(log, ['open a int8', 'open b int8', 'open c int8', 'close b int8']);
    assert.deepEqual(
      cache.models().map(({ model }) => model),
      ['a', 'c'],
    );
  });

  it('keeps the one in use even when it is larger than the limit', async () => {
    await cache.get({ model: 'b' }, hooks);
    await cache.get({ model: 'huge' }, hooks);
    assert.deepEqual(
      cache.models().map(({ model }) => model),
      ['huge'],
    );
  });

  it('closes all of them, and needs a model to be named', async () => {
    await cache.get({}, hooks);
    await cache.close();
    assert.deepEqual(log, ['open a int8', 'close a int8']);
    const without = new CaptionerCache({ modelLimitBytes: 1, open: () => assert.fail('opened') });
    await assert.rejects(without.get({}, hooks), { code: 'engine-no-model' });
  });
});
