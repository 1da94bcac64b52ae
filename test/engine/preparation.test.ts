import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import type { EngineEvent } from '../../src/protocol/events';
import { ManualClock } from '../system/manual-clock';
import { HeldInference } from './held-inference';

describe('a model that is being prepared', () => {
  it('is shown with its part and time left to the requests that are queued behind it', async () => {
    const inference = new HeldInference();
    const engine = new Engine({ ...engineDefaults, inference, clock: new ManualClock() });
    const read = async (id: string): Promise<EngineEvent[]> => {
      const events: EngineEvent[] = [];
      for await (const event of engine.submit({ id, camera: 'porch' }, [])) events.push(event);
      return events;
    };
    const first = read('first');
    const second = read('second');
    await turn();
    inference.begun[0]?.hooks.onProgress({
      phase: 'loading',
      done: 3,
      total: 26,
      stage: 'l1_mlp',
      secondsLeft: 40,
    });
    await turn();
    inference.answer();
    await turn();
    inference.answer();
    const preparing = { done: 3, total: 26, secondsLeft: 40 };
    assert.deepEqual(
      (await second).filter(({ type }) => type === 'queued'),
      [
        { type: 'queued', id: 'second', waiting: 1 },
        { type: 'queued', id: 'second', waiting: 1, preparing },
      ],
    );
    assert.ok((await first).some((event) => event.type === 'progress' && event.secondsLeft === 40));
    await engine.close(0);
  });
});
