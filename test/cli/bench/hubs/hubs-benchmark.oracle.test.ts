import assert from 'node:assert/strict';
import { benchmarkHubs } from '../../../../src/cli/bench/hubs/hubs-benchmark';
import { hasNatsServer } from '../../../nats/test-server';

describe('what bench prints of a shared queue', function () {
  this.timeout(300_000);
  const options = {
    hubs: [1, 2],
    schedules: [
      { kind: 'fixed', captionMs: 200 },
      { kind: 'npu', cores: 3, tiles: 2, stageMs: 2, textMs: 20 },
    ] as const,
    frameBytes: 200_000,
    frames: 3,
    signal: new AbortController().signal,
    onProgress: () => {},
  };

  it('is measured on hubs in their own processes, and compared with one hub', async function () {
    if (!hasNatsServer) this.skip();
    const { overhead, schedules } = await benchmarkHubs(options);
    assert.deepEqual(
      schedules.map(({ schedule }) => schedule.kind),
      ['fixed', 'npu'],
    );
    for (const { measurements } of schedules) {
      assert.deepEqual(
        measurements.map(({ hubs }) => hubs),
        [1, 2],
      );
      const [one, two] = measurements;
      assert.equal(one?.ratio, 1);
      assert.ok((two?.ratio ?? 0) > 0 && (two?.queueingMs.p50 ?? 0) > 0);
    }
    assert.ok(overhead.queueMs.p50 > 0 && overhead.engineMs.p50 > 0);
  });
});
