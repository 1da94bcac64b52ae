import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import type { Caption, Inference } from '../../src/inference/inference';
import { PriorityMutex } from '../../src/system/async/priority-mutex';
import { systemClock } from '../../src/system/clock';

/** Takes several frames at once; each ends when the test says so. */
class HeldInference implements Inference {
  framesInFlight = 4;
  readonly running = new Map<string, () => void>();
  readonly started: string[] = [];

  async describe(_pictures: readonly Uint8Array[], { id }: { readonly id: string }): Promise<Caption> {
    this.started.push(id);
    await new Promise<void>((end) => this.running.set(id, end));
    this.running.delete(id);
    return { text: id } as Caption;
  }
  encode = () => assert.fail('not asked for');
  models = () => [];
  close = async (): Promise<void> => undefined;
}

describe('an engine with several frames in flight', () => {
  let inference: HeldInference;
  let engine: Engine;
  let ended: string[];

  beforeEach(() => {
    inference = new HeldInference();
    ended = [];
    engine = new Engine({ ...engineDefaults, inference, clock: systemClock, queueCapacity: 10 });
  });
  afterEach(() => engine.close(0));

  function submit(id: string, camera: string, priority = 0): void {
    const stream = engine.submit({ id, camera, priority }, []);
    void (async () => {
      for await (const event of stream) if (event.type === 'result') ended.push(id);
    })();
  }

  it('hands over as many frames as keep the devices busy, and no more', () => {
    for (const camera of ['a', 'b', 'c', 'd', 'e']) submit(`${camera}1`, camera);
    assert.deepEqual(inference.started, ['a1', 'b1', 'c1', 'd1']);
    assert.equal(engine.status().cameras.e?.waiting, 1);
  });

  it('answers a camera in the order of its frames, one after the other', async () => {
    for (const id of ['a1', 'a2', 'a3']) submit(id, 'a');
    submit('b1', 'b');
    assert.deepEqual(inference.started, ['a1', 'b1']);
    for (const id of ['a1', 'a2', 'a3']) {
      inference.running.get(id)?.();
      await delay(0);
    }
    assert.deepEqual(ended, ['a1', 'a2', 'a3']);
  });

  it('takes frames of no camera side by side', () => {
    for (const id of ['1', '2', '3']) submit(id, '');
    assert.deepEqual(inference.started, ['1', '2', '3']);
  });

  it('serves cameras in turn and live frames first, also with frames in flight', async () => {
    inference.framesInFlight = 2;
    for (const id of ['a1', 'a2', 'a3']) submit(id, 'a');
    for (const id of ['b1', 'b2']) submit(id, 'b');
    submit('live', 'door', 5);
    for (let round = 0; round < 6; round++) {
      inference.running.get(inference.started[round] ?? '')?.();
      await delay(0);
    }
    assert.deepEqual(inference.started, ['a1', 'b1', 'live', 'a2', 'b2', 'a3']);
  });
});

describe('PriorityMutex', () => {
  it('starts higher priorities first, one at a time', async () => {
    const mutex = new PriorityMutex();
    const log: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      log.push(`${name}(`);
      await delay(1);
      log.push(')');
    };
    await Promise.all([
      mutex.enter(work('batch 1')),
      mutex.enter(work('batch 2')),
      mutex.enter(work('live 1'), 5),
      mutex.enter(work('batch 3')),
      mutex.enter(work('live 2'), 5),
    ]);
    assert.deepEqual(log.join(''), 'batch 1()live 1()live 2()batch 2()batch 3()');
  });

  it('continues after a failure', async () => {
    const mutex = new PriorityMutex();
    await assert.rejects(
      mutex.enter(() => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await mutex.enter(async () => 'yes'), 'yes');
  });
});
