import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import type { Caption, Inference, InferenceHooks } from '../../src/inference/inference';
import type { DescribeRequest } from '../../src/protocol/describe-request';
import type { FinalEvent } from '../../src/protocol/events';
import { isFinal } from '../../src/protocol/ndjson';
import { ManualClock } from '../system/manual-clock';

/** Runs frames until the test ends them; a large one is set aside first. Keeps a log. */
class HeldInference implements Inference {
  readonly framesInFlight = 1;
  readonly log: string[] = [];
  readonly #ends = new Map<string, () => void>();

  async describe(
    _pictures: readonly Uint8Array[],
    { id }: DescribeRequest,
    { aside, signal }: InferenceHooks,
  ): Promise<Caption> {
    if (id.startsWith('large')) {
      this.log.push(`prepare ${id}`);
      await aside?.(() => this.#held(`prepare ${id}`, signal));
    }
    this.log.push(id);
    await this.#held(id, signal);
    return { text: id } as Caption;
  }

  /** Ends a step, and lets what follows from it happen. */
  async end(step: string): Promise<void> {
    this.#ends.get(step)?.();
    for (let turns = 0; turns < 8; turns++) await turn();
  }

  #held(step: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ends.set(step, resolve);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  }

  encode = (): never => assert.fail('not called');
  models = (): [] => [];
  close = async (): Promise<void> => undefined;
}

describe('a frame whose large picture is being prepared', () => {
  let inference: HeldInference;
  let engine: Engine;

  beforeEach(() => {
    inference = new HeldInference();
    engine = new Engine({ ...engineDefaults, inference, clock: new ManualClock() });
  });
  afterEach(() => engine.close(0));

  async function ask(id: string, more: Partial<DescribeRequest> = {}): Promise<FinalEvent> {
    for await (const event of engine.submit({ id, camera: id, ...more }, []))
      if (isFinal(event)) return event;
    return assert.fail('the stream ended without a final event');
  }

  it('does not hold up the frames of other cameras, and runs before the next that waits', async () => {
    const large = ask('large');
    const b = ask('b');
    assert.deepEqual(inference.log, ['prepare large', 'b']);
    const c = ask('c');
    await inference.end('prepare large');
    assert.deepEqual(inference.log, ['prepare large', 'b']);
    await inference.end('b');
    assert.equal((await b).type, 'result');
    assert.deepEqual(inference.log, ['prepare large', 'b', 'large']);
    await inference.end('large');
    assert.equal((await large).type, 'result');
    await inference.end('c');
    assert.equal((await c).type, 'result');
    assert.deepEqual(inference.log, ['prepare large', 'b', 'large', 'c']);
  });

  it('keeps the order of its own camera', async () => {
    const all = [ask('large', { camera: 'a' }), ask('next', { camera: 'a' })];
    assert.deepEqual(inference.log, ['prepare large']);
    await inference.end('prepare large');
    await inference.end('large');
    await inference.end('next');
    for (const final of await Promise.all(all)) assert.equal(final.type, 'result');
    assert.deepEqual(inference.log, ['prepare large', 'large', 'next']);
  });

  it('gets its place after the one of higher priority, and one place only', async () => {
    const all = [ask('large 1'), ask('large 2', { priority: 5 }), ask('b')];
    await inference.end('prepare large 1');
    await inference.end('prepare large 2');
    // The urgent one does not wait for the frame of lower priority that runs.
    assert.deepEqual(inference.log.slice(2), ['b', 'large 2']);
    await inference.end('b');
    assert.deepEqual(inference.log.slice(2), ['b', 'large 2']);
    await inference.end('large 2');
    await inference.end('large 1');
    for (const final of await Promise.all(all)) assert.equal(final.type, 'result');
    assert.deepEqual(inference.log.slice(2), ['b', 'large 2', 'large 1']);
  });

  it('frees its camera when it is cancelled while it waits', async () => {
    const large = ask('large', { camera: 'a' });
    const b = ask('b');
    engine.cancel('large');
    assert.equal((await large).type, 'dropped');
    const next = ask('next', { camera: 'a' });
    await inference.end('b');
    await inference.end('next');
    assert.deepEqual([(await b).type, (await next).type], ['result', 'result']);
    assert.equal(engine.status().cameras.a?.running, 0);
  });

  it('keeps its place when sixteen others are being prepared', async () => {
    const all = Array.from({ length: 17 }, (_, index) => ask(`large ${index}`));
    const b = ask('b');
    assert.equal(inference.log.length, 17);
    await inference.end('prepare large 16');
    await inference.end('large 16');
    assert.deepEqual(inference.log.slice(17), ['large 16', 'b']);
    await inference.end('b');
    for (let index = 0; index < 16; index++) {
      await inference.end(`prepare large ${index}`);
      await inference.end(`large ${index}`);
    }
    for (const final of await Promise.all([...all, b])) assert.equal(final.type, 'result');
  });
});
