import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { CaptionerCache } from '../../src/inference/captioner-cache';
import type { Captioner } from '../../src/inference/inference';

const nothing = async (): Promise<void> => {};
const unused = { describe: () => assert.fail('not called'), encode: () => assert.fail('not called') };

/** Ends when the test says so. */
class Gate {
  open: () => void = () => {};
  readonly passed = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

describe('models in memory', () => {
  let log: string[];
  let cache: CaptionerCache;
  /** Opening a model waits for the gate of its name, if there is one. */
  let gates: Map<string, Gate>;
  const hooks = { onProgress: () => {}, signal: new AbortController().signal };

  beforeEach(() => {
    log = [];
    gates = new Map();
    cache = new CaptionerCache({
      modelLimitBytes: 250,
      defaultModel: 'a',
      open: async ({ model, precision = 'int8', makeRoom }): Promise<Captioner> => {
        const memoryBytes = model === 'huge' ? 1000 : 100;
        log.push(`open ${model} ${precision}`);
        await gates.get(model)?.passed;
        await makeRoom?.(memoryBytes);
        log.push(`load ${model} ${precision}`);
        return {
          backend: precision,
          framesInFlight: 1,
          memoryBytes,
          ...unused,
          close: async () => void log.push(`close ${model} ${precision}`),
        };
      },
    });
  });

  const loads = (): string[] => log.filter((line) => !line.startsWith('open'));

  it('opens a model once, and once more for other options', async () => {
    await cache.use({}, hooks, nothing);
    await cache.use({ model: 'a' }, hooks, nothing);
    await cache.use({ model: 'a', runtime: { precision: 'int4' } }, hooks, nothing);
    assert.deepEqual(loads(), ['load a int8', 'load a int4']);
  });

  it('tells every request that waits for a model how far its opening is', async () => {
    const gate = new Gate();
    const told: string[] = [];
    const opening = new CaptionerCache({
      modelLimitBytes: 250,
      defaultModel: 'a',
      open: async ({ onProgress }) => {
        await gate.passed;
        onProgress?.({ phase: 'loading', done: 3, total: 26, secondsLeft: 40 });
        return { backend: '', framesInFlight: 1, memoryBytes: 1, ...unused, close: nothing };
      },
    });
    const use = (name: string): Promise<void> =>
      opening.use(
        {},
        { ...hooks, onProgress: ({ done, secondsLeft }) => told.push(`${name} ${done} ${secondsLeft}`) },
        nothing,
      );
    const both = Promise.all([use('porch'), use('garden')]);
    await new Promise(setImmediate);
    gate.open();
    await both;
    await use('late');
    assert.deepEqual(told, ['porch 3 40', 'garden 3 40']);
  });

  it("uses the engine's weights and threads for a request that names none", async () => {
    const opened: unknown[] = [];
    const configured = new CaptionerCache({
      ...{ modelLimitBytes: 250, defaultModel: 'a', precision: 'int4', threads: 3 },
      open: async ({ precision, threads }) => {
        opened.push([precision, threads]);
        return { backend: '', framesInFlight: 1, memoryBytes: 1, ...unused, close: nothing };
      },
    });
    await configured.use({}, hooks, nothing);
    await configured.use({ runtime: { precision: 'float32' } }, hooks, nothing);
    assert.deepEqual(opened, [
      ['int4', 3],
      ['float32', 3],
    ]);
  });

  it('opens one copy of a model, however it is spelled, and whether or not automatic choices are named', async () => {
    const spelled = new CaptionerCache({
      modelLimitBytes: 250,
      identify: async ({ model }) => model.replace(/^.*\//, ''),
      open: async ({ model }) => {
        log.push(`load ${model}`);
        return { backend: '', framesInFlight: 1, memoryBytes: 1, ...unused, close: nothing };
      },
    });
    for (const model of ['/models/a', './models/../models/a', 'a'])
      await spelled.use({ model }, hooks, nothing);
    await spelled.use({ model: 'a', runtime: { backend: 'auto', decoder: 'auto' } }, hooks, nothing);
    assert.deepEqual(log, ['load /models/a']);
  });

  it('continues with an open model whose folder is missing while an update replaces it', async () => {
    let isThere = true;
    let nowMs = 0;
    const updated = new CaptionerCache({
      modelLimitBytes: 250,
      now: () => nowMs,
      identify: async ({ model }) => (isThere ? `/package/${model}` : assert.fail('no folder')),
      open: async ({ model }) => {
        log.push(`load ${model}`);
        return { backend: '', framesInFlight: 1, memoryBytes: 1, ...unused, close: nothing };
      },
    });
    for (const there of [true, true, false]) {
      isThere = there;
      nowMs += 1_000;
      await updated.use({ model: 'demo' }, hooks, nothing);
    }
    assert.deepEqual(log, ['load demo']);
  });

  it('opens the model that a name stands for now, which is looked up at most once a second', async () => {
    let commit = 'first';
    let nowMs = 0;
    let lookups = 0;
    const pulled = new CaptionerCache({
      modelLimitBytes: 250,
      now: () => nowMs,
      identify: async ({ model }) => {
        lookups += 1;
        return `/checkpoints/${model}/${commit}`;
      },
      open: async () => {
        log.push(`load ${commit}`);
        return { backend: '', framesInFlight: 1, memoryBytes: 1, ...unused, close: nothing };
      },
    });
    const use = (): Promise<void> => pulled.use({ model: 'org/name' }, hooks, nothing);
    await use();
    await use();
    assert.equal(lookups, 2, 'the first is remembered once its model is open');
    for (nowMs = 100; nowMs < 1_000; nowMs += 100) await use();
    assert.equal(lookups, 2);
    commit = 'second';
    await use();
    assert.deepEqual(log, ['load first', 'load second']);
  });

  it('closes the least recently used beyond the memory limit, before the next one is loaded', async () => {
    for (const model of ['a', 'b', 'a', 'c']) await cache.use({ model }, hooks, nothing);
    assert.deepEqual(loads(), ['load a int8', 'load b int8', 'close b int8', 'load c int8']);
    assert.deepEqual(
      cache.models().map(({ model }) => model),
      ['a', 'c'],
    );
  });

  it('loads a model that is larger than the limit when no other is left', async () => {
    await cache.use({ model: 'b' }, hooks, nothing);
    await cache.use({ model: 'huge' }, hooks, nothing);
    assert.deepEqual(loads(), ['load b int8', 'close b int8', 'load huge int8']);
  });

  it('waits for a model in use before it loads another beyond the limit, and serves that first', async () => {
    const work = new Gate();
    const first = cache.use({ model: 'a' }, hooks, () => work.passed);
    const second = cache.use({ model: 'huge' }, hooks, nothing);
    await delay(0);
    const third = cache.use({ model: 'a' }, hooks, nothing);
    await delay(0);
    assert.deepEqual(loads(), ['load a int8']);
    work.open();
    await Promise.all([first, second, third]);
    assert.deepEqual(loads(), [
      'load a int8',
      'close a int8',
      'load huge int8',
      'close huge int8',
      'load a int8',
    ]);
  });

  it('hands out open models and finished answers while another model opens', async () => {
    const work = new Gate();
    const opening = new Gate();
    gates.set('b', opening);
    const underWay = cache.use({ model: 'a' }, hooks, async () => {
      await work.passed;
      return 'answer';
    });
    await delay(0);
    const waiting = cache.use({ model: 'b' }, hooks, nothing);
    await delay(0);
    work.open();
    assert.equal(await underWay, 'answer');
    assert.equal(await cache.use({ model: 'a' }, hooks, async () => 'another'), 'another');
    opening.open();
    await waiting;
  });

  it('ends a cancelled request at once while another model opens, and opens nothing for it', async () => {
    const opening = new Gate();
    gates.set('b', opening);
    const waiting = cache.use({ model: 'b' }, hooks, nothing);
    const abort = new AbortController();
    const cancelled = cache.use({ model: 'c' }, { ...hooks, signal: abort.signal }, nothing);
    abort.abort(new Error('cancelled'));
    await assert.rejects(cancelled, /cancelled/);
    opening.open();
    await waiting;
    await cache.close();
    assert.deepEqual(loads(), ['load b int8', 'close b int8']);
  });

  it('ends a cancelled request while it waits for memory', async () => {
    const work = new Gate();
    const underWay = cache.use({ model: 'a' }, hooks, () => work.passed);
    const abort = new AbortController();
    const cancelled = cache.use({ model: 'huge' }, { ...hooks, signal: abort.signal }, nothing);
    await delay(0);
    abort.abort(new Error('cancelled'));
    await assert.rejects(cancelled, /cancelled/);
    work.open();
    await underWay;
    assert.deepEqual(loads(), ['load a int8']);
  });

  it('closes all of them, and needs a model to be named', async () => {
    await cache.use({}, hooks, nothing);
    await cache.close();
    assert.deepEqual(loads(), ['load a int8', 'close a int8']);
    const without = new CaptionerCache({ modelLimitBytes: 1, open: () => assert.fail('opened') });
    await assert.rejects(without.use({}, hooks, nothing), { code: 'engine-no-model' });
  });
});
