import assert from 'node:assert/strict';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import type { Caption, Inference } from '../../src/inference/inference';
import type { EngineEvent } from '../../src/protocol/events';
import { ManualClock } from '../system/manual-clock';

describe('an engine', () => {
  let clock: ManualClock;
  let engine: Engine;
  let begun: string[];
  let answer: () => void;

  beforeEach(() => {
    clock = new ManualClock();
    begun = [];
    const inference: Inference = {
      framesInFlight: 1,
      describe: async (_pictures, { id }) => {
        begun.push(id);
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return { text: id } as Caption;
      },
      encode: () => assert.fail('not called'),
      models: () => [],
      close: async () => {},
    };
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
    answer();
    assert.equal((await running)?.type, 'result');
    await closed;
    assert.equal(clock.timers, 0);
    assert.deepEqual(begun, ['running']);
    assert.deepEqual(engine.status().cameras.porch?.dropped, { shutdown: 1 });
  });

  it('does not begin a request whose cancellation has overtaken it', async () => {
    assert.equal(engine.cancel('overtaken'), false);
    const final = await read('overtaken');
    assert.equal(final?.type === 'dropped' && final.reason, 'cancelled');
    assert.deepEqual(begun, []);
    clock.advance(engineDefaults.abandonedMs + 1);
    const later = read('overtaken');
    assert.deepEqual(begun, ['overtaken']);
    answer();
    assert.equal((await later)?.type, 'result');
    await engine.close();
  });
});
