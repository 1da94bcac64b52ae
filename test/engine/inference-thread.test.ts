import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceThread } from '../../src/engine/inference-thread';
import { ManualClock } from '../system/manual-clock';

describe('inference thread', () => {
  let clock: ManualClock;
  let hangs: number;
  let thread: InferenceThread;
  const hooks = { onProgress: () => {}, onToken: () => {}, signal: new AbortController().signal };

  beforeEach(() => {
    clock = new ManualClock();
    hangs = 0;
    thread = new InferenceThread({
      captionerModule: join(__dirname, '..', 'inference', 'fake-captioner.js'),
      defaultModel: 'fake',
      modelLimitBytes: 1e6,
      clock,
      idleUnloadMs: 1000,
      hangMs: 100,
      onHang: () => {
        hangs += 1;
      },
    });
  });
  afterEach(() => thread.close());

  it('unloads its models after an idle time, and loads them again for the next request', async () => {
    await thread.describe([], { id: 'a', prompt: 'x' }, hooks);
    clock.advance(999);
    assert.equal(thread.models().length, 1);
    clock.advance(1);
    assert.equal(thread.models().length, 0);
    const { text } = await thread.describe([], { id: 'b', prompt: 'again' }, hooks);
    assert.match(text, /again$/);
    assert.equal(thread.models().length, 1);
  });

  it('is told of the memory that a request has added to its model', async () => {
    await thread.describe([], { id: 'a', prompt: 'x' }, hooks);
    assert.deepEqual(
      thread.models().map(({ memoryBytes }) => memoryBytes),
      [1000],
    );
    await thread.encode([new Uint8Array(500)], { id: 'b' }, hooks);
    while (thread.models()[0]?.memoryBytes !== 1500) await new Promise(setImmediate);
  });

  it('does not block the calling thread, and stops when aborted', async () => {
    const abort = new AbortController();
    const work = thread.describe(
      [],
      { id: 'a', prompt: 'slow 60000' },
      { ...hooks, signal: abort.signal, onProgress: () => abort.abort() },
    );
    await assert.rejects(work);
    clock.advance(100);
    assert.equal(hangs, 0);
  });

  it('does not take a job for hung because the process was stopped while it was cancelled', async () => {
    const abort = new AbortController();
    const work = thread.describe(
      [],
      { id: 'a', prompt: 'slow 60000' },
      {
        ...hooks,
        signal: abort.signal,
        onProgress: () => {
          abort.abort();
          clock.stop(100_000);
        },
      },
    );
    await assert.rejects(work);
    assert.equal(hangs, 0);
  });

  it('lets a job give up its place, and continue once it has one again', async () => {
    const events: string[] = [];
    let givePlace = (): void => {};
    const aside = async <T>(work: () => Promise<T>): Promise<T> => {
      events.push('aside');
      const result = await work();
      events.push('ready');
      await new Promise<void>((resolve) => (givePlace = resolve));
      return result;
    };
    const large = thread.describe([], { id: 'a', prompt: 'aside 1' }, { ...hooks, aside });
    const ended = large.then(() => events.push('ended'));
    while (!events.includes('ready')) await thread.describe([], { id: 'b', prompt: 'x' }, hooks);
    await thread.describe([], { id: 'c', prompt: 'x' }, hooks);
    assert.deepEqual(events, ['aside', 'ready']);
    givePlace();
    await ended;
    assert.deepEqual(events, ['aside', 'ready', 'ended']);
  });

  it('ends a job that is cancelled while it waits for its place', async () => {
    const abort = new AbortController();
    const aside = async <T>(work: () => Promise<T>): Promise<T> => {
      await work();
      abort.abort();
      return new Promise<T>(() => {});
    };
    const job = thread.describe(
      [],
      { id: 'a', prompt: 'aside 1' },
      { ...hooks, aside, signal: abort.signal },
    );
    await assert.rejects(job);
  });

  it('fails its job when it crashes, and starts again for the next', async () => {
    for (const word of ['exit', 'throw']) {
      const crash = thread.describe([], { id: 'a', prompt: word }, hooks);
      await assert.rejects(crash, { code: 'engine-thread-lost' });
      const { text } = await thread.describe([], { id: 'b', prompt: 'again' }, hooks);
      assert.match(text, /again$/);
    }
  });

  it('leaves no timer behind when it is closed while a request runs', async () => {
    let begun = (): void => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const work = thread.describe([], { id: 'a', prompt: 'slow 60000' }, { ...hooks, onProgress: begun });
    const ended = assert.rejects(work);
    await running;
    await thread.close();
    await ended;
    assert.equal(clock.timers, 0);
  });
});

describe('inference thread with a model that holds the NPU', () => {
  let clock: ManualClock;
  let directory: string;
  let thread: InferenceThread;
  const hooks = { onProgress: () => {}, onToken: () => {}, signal: new AbortController().signal };

  beforeEach(() => {
    clock = new ManualClock();
    directory = mkdtempSync(join(tmpdir(), 'smolvlm-test-'));
    thread = new InferenceThread({
      captionerModule: join(__dirname, '..', 'inference', 'exclusive-captioner.js'),
      defaultModel: join(directory, 'npu', 'lock'),
      modelLimitBytes: 1e6,
      clock,
      idleUnloadMs: 1000,
      hangMs: 60_000,
      onHang: () => assert.fail('not hung'),
    });
  });
  afterEach(async () => {
    await thread.close();
    rmSync(directory, { recursive: true });
  });

  it('waits for an idle unload to end before it starts another thread for a frame', async () => {
    await thread.describe([], { id: 'a', prompt: 'first' }, hooks);
    clock.advance(1000);
    const { text } = await thread.describe([], { id: 'b', prompt: 'second' }, hooks);
    assert.equal(text, 'second');
  });

  it('starts no thread for a frame that is cancelled during an idle unload', async () => {
    await thread.describe([], { id: 'a', prompt: 'first' }, hooks);
    clock.advance(1000);
    const signal = AbortSignal.abort(new Error('cancelled'));
    await assert.rejects(thread.describe([], { id: 'b' }, { ...hooks, signal }), /cancelled/);
    assert.equal(clock.timers, 0);
  });
});
