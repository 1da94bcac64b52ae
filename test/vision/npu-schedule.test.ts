import assert from 'node:assert/strict';
import { benchmarkSchedule, type ScheduleBenchmark } from '../../src/cli/bench/emulator/schedule-benchmark';

describe('the NPU’s schedule on the timed emulator', function () {
  this.timeout(60_000);
  const tiles = 13;
  let run: ScheduleBenchmark;
  before(async () => {
    run = await benchmarkSchedule({ cores: 3, tiles, stageMs: 2 });
  });

  /** A stage's or a core's runs, by start. */
  function runsOf(key: 'stage' | 'core'): Map<string | number, ScheduleBenchmark['timeline'][number][]> {
    const runs = new Map<string | number, ScheduleBenchmark['timeline'][number][]>();
    for (const each of run.timeline) runs.set(each[key], [...(runs.get(each[key]) ?? []), each]);
    for (const list of runs.values()) list.sort((a, b) => a.start - b.start);
    return runs;
  }

  it('runs every tile through every stage', () => {
    const runs = runsOf('stage');
    assert.equal(runs.size, 24);
    assert.ok([...runs.values()].every(({ length }) => length === tiles));
  });

  it('never enters a stage or a core twice at once', () => {
    for (const key of ['stage', 'core'] as const) {
      for (const [name, runs] of runsOf(key)) {
        for (const [index, each] of runs.entries()) {
          assert.ok(index === 0 || runs[index - 1]!.end <= each.start, `${key} ${name}, run ${index}`);
        }
      }
    }
  });

  it('runs the tiles through the stages in order', () => {
    const runs = runsOf('stage');
    const stages = Array.from({ length: 12 }, (_, layer) => [`l${layer}_attn`, `l${layer}_mlp`]).flat();
    for (const [index, stage] of stages.entries()) {
      const before = runs.get(stages[index - 1] ?? '');
      for (const [tile, each] of runs.get(stage)!.entries()) {
        if (before) assert.ok(before[tile]!.end <= each.start, `${stage}, tile ${tile}`);
      }
    }
  });

  it('overlaps the cores: with equal stages, in the recorded order, they run more than 2 stages at a time', () => {
    const ratio = run.timeline.length / equalTimes(runsOf('core'), runsOf('stage'));
    assert.ok(ratio > 2 && ratio <= 3, `${ratio}`);
  });

  it('runs stages on different cores at the same time', () => {
    const crossed = run.timeline.filter((each) =>
      run.timeline.some(({ core, start, end }) => core !== each.core && start < each.end && each.start < end),
    );
    assert.ok(crossed.length > 0);
  });

  /**
   * Length of the run if every core runs its stages in the order of the trace, each as soon as core and tile are
   * free and in one unit of time: the load of this machine does not matter.
   */
  function equalTimes(cores: ReturnType<typeof runsOf>, stages: ReturnType<typeof runsOf>): number {
    const inFlight = 7;
    const names = Array.from({ length: 12 }, (_, layer) => [`l${layer}_attn`, `l${layer}_mlp`]).flat();
    const ends = new Map<string, number>();
    const queues = [...cores.values()].map((runs) => ({
      free: 0,
      left: runs.map((each) => ({
        tile: stages.get(each.stage)!.indexOf(each),
        index: names.indexOf(each.stage),
      })),
    }));
    while (queues.some(({ left }) => left.length > 0)) {
      const before = ends.size;
      for (const queue of queues) {
        const [next] = queue.left;
        if (!next) continue;
        const { tile, index } = next;
        const entry = tile < inFlight ? 0 : ends.get(`${tile - inFlight} ${names.length - 1}`);
        const ready = index === 0 ? entry : ends.get(`${tile} ${index - 1}`);
        if (ready === undefined) continue;
        queue.free = Math.max(queue.free, ready) + 1;
        ends.set(`${tile} ${index}`, queue.free);
        queue.left.shift();
      }
      assert.ok(ends.size > before, 'no core can go on: the trace is in no order that can be run');
    }
    return Math.max(...ends.values());
  }
});
