import assert from 'node:assert/strict';
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

  it('lets go of its models after an idle time, and loads them again when asked', async () => {
    await thread.describe([], { id: 'a', prompt: 'x' }, hooks);
    clock.advance(999);
    assert.equal(thread.models().length, 1);
    clock.advance(1);
    assert.equal(thread.models().length, 0);
    const { text } = await thread.describe([], { id: 'b', prompt: 'again' }, hooks);
    assert.match(text, /again$/);
    assert.equal(thread.models().length, 1);
  });

  it('leaves this thread free while it works, and stops when told to', async () => {
    const abort = new AbortController();
    const work = thread.describe(
      [],
      { id: 'a', prompt: 'slow 60000' },
      { ...hooks, signal: abort.signal, onProgress: ({ phase }) => phase === 'vision' && abort.abort() },
    );
    await assert.rejects(work);
    clock.advance(100);
    assert.equal(hangs, 0);
  });
});
