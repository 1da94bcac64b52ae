import assert from 'node:assert/strict';
import { CaptionerCache } from '../../src/inference/captioner-cache';
import type { Captioner } from '../../src/inference/inference';

const nothing = async (): Promise<void> => {};

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
          framesInFlight: 1,
          memoryBytes: model === 'huge' ? 1000 : 100,
          describe: () => assert.fail('not asked for'),
          encode: () => assert.fail('not asked for'),
          close: async () => void log.push(`close ${model} ${precision}`),
        };
      },
    });
  });

  it('opens a model once, and once more for other options', async () => {
    await cache.use({}, hooks, nothing);
    await cache.use({ model: 'a' }, hooks, nothing);
    await cache.use({ model: 'a', runtime: { precision: 'int4' } }, hooks, nothing);
    assert.deepEqual(log, ['open a int8', 'open a int4']);
  });

  it('closes the least recently used beyond the memory limit', async () => {
    for (const model of ['a', 'b', 'a', 'c']) await cache.use({ model }, hooks, nothing);
    assert.deepEqual(log, ['open a int8', 'open b int8', 'open c int8', 'close b int8']);
    assert.deepEqual(
      cache.models().map(({ model }) => model),
      ['a', 'c'],
    );
  });

  it('keeps the one in use even when it is larger than the limit', async () => {
    await cache.use({ model: 'b' }, hooks, nothing);
    await cache.use({ model: 'huge' }, hooks, nothing);
    assert.deepEqual(
      cache.models().map(({ model }) => model),
      ['huge'],
    );
  });

  it('closes all of them, and needs a model to be named', async () => {
    await cache.use({}, hooks, nothing);
    await cache.close();
    assert.deepEqual(log, ['open a int8', 'close a int8']);
    const without = new CaptionerCache({ modelLimitBytes: 1, open: () => assert.fail('opened') });
    await assert.rejects(without.use({}, hooks, nothing), { code: 'engine-no-model' });
  });
});
