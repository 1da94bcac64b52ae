import assert from 'node:assert/strict';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import type { EngineEvent } from '../../src/protocol/events';
import { ManualClock } from '../system/manual-clock';
import { HeldInference } from './held-inference';

describe('an engine', () => {
  let clock: ManualClock;
  let engine: Engine;
  let inference: HeldInference;
  const begun = (): readonly string[] => inference.begun.map(({ id }) => id);

  beforeEach(() => {
    clock = new ManualClock();
    inference = new HeldInference();
    engine = new Engine({ ...engineDefaults, inference, clock });
  });

  async function read(id: string, maxAgeMs?: number): Promise<EngineEvent | undefined> {
    let last: EngineEvent | undefined;
    const request = { id, camera: 'porch', ...(maxAgeMs && { maxAgeMs }) };
    for await (const event of engine.submit(request, [])) last = event;
    return last;
  }

  it('that stops keeps no timer of a frame that waits for its maximum age', async () => {
    const running = read('running');
    const waiting = read('waiting', 60_000);
    const closed = engine.close();
    assert.equal((await waiting)?.type, 'queued');
    inference.answer();
    assert.equal((await running)?.type, 'result');
    await closed;
    assert.equal(clock.timers, 0);
    assert.deepEqual(begun(), ['running']);
    assert.deepEqual(engine.status().cameras.porch?.dropped, { shutdown: 1 });
  });

  it('does not begin a request whose cancellation has overtaken it', async () => {
    assert.equal(engine.cancel('overtaken'), false);
    const final = await read('overtaken');
    assert.equal(final?.type === 'dropped' && final.reason, 'cancelled');
    assert.deepEqual(begun(), []);
    clock.advance(engineDefaults.abandonedMs + 1);
    const later = read('overtaken');
    assert.deepEqual(begun(), ['overtaken']);
    inference.answer();
    assert.equal((await later)?.type, 'result');
    await engine.close();
  });
});
