import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { Engine } from '../../src/engine/engine';
import { engineDefaults } from '../../src/engine/engine-options';
import type { DescribeRequest } from '../../src/protocol/describe-request';
import type { FinalEvent } from '../../src/protocol/events';
import { isFinal } from '../../src/protocol/ndjson';
import { ManualClock } from '../system/manual-clock';
import { aloneMs, ModelledCpu, modelled } from './modelled-cpu';

describe('a frame of higher priority', () => {
  let clock: ManualClock;
  let cpu: ModelledCpu;
  let engine: Engine;

  beforeEach(() => {
    clock = new ManualClock();
    cpu = new ModelledCpu(clock);
    engine = new Engine({ ...engineDefaults, inference: cpu, clock });
  });
  afterEach(() => engine.close(0));

  /** @returns the final event and the time it took */
  async function ask(request: DescribeRequest): Promise<{ readonly final: FinalEvent; readonly ms: number }> {
    const since = clock.now();
    for await (const event of engine.submit(request, [])) {
      if (isFinal(event)) return { final: event, ms: clock.now() - since };
    }
    return assert.fail('the stream ended without a final event');
  }

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      for (let turns = 0; turns < 8; turns++) await turn();
      clock.advance(50);
    }
    for (let turns = 0; turns < 8; turns++) await turn();
  }

  it('waits at most one tile longer than alone among four cameras at full detail without pause', async () => {
    let streaming = true;
    const counts: Record<string, number> = {};
    const stream = async (camera: string): Promise<void> => {
      for (let frame = 0; streaming; frame++) {
        const { final } = await ask({ id: `${camera}${frame}`, camera, detail: 'full' });
        if (final.type === 'result') counts[camera] = (counts[camera] ?? 0) + 1;
      }
    };
    const cameras = ['a', 'b', 'c', 'd'].map(stream);
    for (let round = 0; round < 12; round++) {
      await pass(3000 + 450 * round);
      const request = { id: `doorbell ${round}`, camera: 'door', detail: 'low', priority: 10 } as const;
      const doorbell = ask({ ...request, deadlineMs: 4000 });
      await pass(aloneMs('low') + modelled.tileMs);
      const { final, ms } = await Promise.race([
        doorbell,
        Promise.resolve().then(() => assert.fail('not answered in time')),
      ]);
      assert.equal(final.type, 'result');
      assert.ok(ms <= aloneMs('low') + modelled.tileMs, `${ms} ms`);
    }
    await pass(8 * aloneMs('full'));
    streaming = false;
    const frames = Object.values(counts);
    assert.equal(frames.length, 4);
    assert.ok(Math.max(...frames) - Math.min(...frames) <= 1, `frames per camera: ${frames}`);
    for (const [id, tiles] of cpu.tiles) {
      assert.ok(tiles <= modelled.tilesFull, `${id}: ${tiles} tiles`);
    }
    await pass(5 * aloneMs('full'));
    await Promise.all(cameras);
  });

  it('makes the frame that runs continue where it stopped', async () => {
    const full = ask({ id: 'full', camera: 'a', detail: 'full' });
    await pass(2500);
    const doorbell = ask({ id: 'doorbell', camera: 'door', priority: 10 });
    await pass(aloneMs('full') + aloneMs('low'));
    assert.equal((await doorbell).final.type, 'result');
    const { final, ms } = await full;
    assert.equal(final.type, 'result');
    assert.equal(ms, aloneMs('full') + aloneMs('low'));
    assert.equal(cpu.tiles.get('full'), modelled.tilesFull);
  });

  it('does not keep a stopped frame beyond its deadline', async () => {
    const full = ask({ id: 'full', camera: 'a', detail: 'full', deadlineMs: 3000 });
    await pass(1500);
    const doorbell = ask({ id: 'doorbell', camera: 'door', priority: 10 });
    await pass(1500);
    const { final } = await full;
    assert.equal(final.type === 'dropped' && final.reason, 'deadline');
    await pass(aloneMs('low'));
    assert.equal((await doorbell).final.type, 'result');
    assert.equal(engine.status().cameras.a?.running, 0);
  });

  it('holds lower ones, begun or not, until their deadline if it is always followed by another', async () => {
    let streaming = true;
    const stream = async (camera: string): Promise<number> => {
      let frames = 0;
      for (; streaming; frames++) await ask({ id: `${camera}${frames}`, camera, priority: 1 });
      return frames;
    };
    const deadlineMs = 20_000;
    const begun = ask({ id: 'begun', camera: 'a', detail: 'full', deadlineMs });
    await pass(1500);
    const busy = ['b', 'c'].map(stream);
    const waiting = ask({ id: 'waiting', camera: 'd', deadlineMs });
    await pass(deadlineMs);
    streaming = false;
    for (const { final, ms } of [await begun, await waiting]) {
      assert.equal(final.type === 'dropped' && final.reason, 'deadline');
      assert.equal(ms, deadlineMs);
    }
    assert.equal(cpu.tiles.get('waiting'), undefined);
    await pass(3 * aloneMs('low'));
    const [b = 0, c = 0] = await Promise.all(busy);
    assert.ok(b >= 3 && Math.abs(b - c) <= 1, `${b} and ${c} frames of equal priority`);
  });

  it('does not wait for the frame of its own camera that runs', async () => {
    const full = ask({ id: 'full', camera: 'a', detail: 'full' });
    await pass(2500);
    const doorbell = ask({ id: 'doorbell', camera: 'a', priority: 10 });
    await pass(aloneMs('full') + aloneMs('low'));
    assert.equal((await doorbell).ms, aloneMs('low') + modelled.tileMs / 2);
    assert.equal((await full).final.type, 'result');
  });

  it('does not stop a frame of the same priority', async () => {
    const first = ask({ id: 'first', camera: 'a', priority: 10 });
    const second = ask({ id: 'second', camera: 'b', priority: 10 });
    await pass(2 * aloneMs('low'));
    assert.deepEqual([(await first).ms, (await second).ms], [aloneMs('low'), 2 * aloneMs('low')]);
  });

  it('stops no more than four frames at a time', async () => {
    const all = [1, 2, 3, 4, 5, 6, 7].map((priority) => {
      return ask({ id: `p${priority}`, camera: `c${priority}`, detail: 'full', priority });
    });
    assert.equal(Object.values(engine.status().cameras).filter(({ running }) => running === 1).length, 5);
    await pass(7 * aloneMs('full'));
    for (const { final } of await Promise.all(all)) assert.equal(final.type, 'result');
  });
});
