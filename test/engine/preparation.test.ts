import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import type { Caption, Inference, InferenceHooks } from '../../src/inference/inference';
import type { EngineEvent } from '../../src/protocol/events';
import { ManualClock } from '../system/manual-clock';

describe('a model that is being prepared', () => {
  it('is shown with its part and time left to the requests that are queued behind it', async () => {
    let running: InferenceHooks | undefined;
    let answer: () => void = () => {};
    const inference: Inference = {
      framesInFlight: 1,
      describe: async (_pictures, { id }, hooks) => {
        running ??= hooks;
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return { text: id } as Caption;
      },
      encode: () => assert.fail('not called'),
      models: () => [],
      close: async () => {},
    };
    const engine = new Engine({ ...engineDefaults, inference, clock: new ManualClock() });
    const read = async (id: string): Promise<EngineEvent[]> => {
      const events: EngineEvent[] = [];
      for await (const event of engine.submit({ id, camera: 'porch' }, [])) events.push(event);
      return events;
    };
    const first = read('first');
    const second = read('second');
    await turn();
    running?.onProgress({ phase: 'loading', done: 3, total: 26, stage: 'l1_mlp', secondsLeft: 40 });
    await turn();
    answer();
    await turn();
    answer();
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
