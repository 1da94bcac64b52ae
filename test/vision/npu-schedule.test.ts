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

  it('sends every tile through every stage', () => {
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

  it('takes the tiles through the stages in order', () => {
    const runs = runsOf('stage');
    const stages = Array.from({ length: 12 }, (_, layer) => [`l${layer}_attn`, `l${layer}_mlp`]).flat();
    for (const [index, stage] of stages.entries()) {
      const before = runs.get(stages[index - 1] ?? '');
      for (const [tile, each] of runs.get(stage)!.entries()) {
        if (before) assert.ok(before[tile]!.end <= each.start, `${stage}, tile ${tile}`);
      }
    }
  });

  it('has all three cores at work at once most of the time', () => {
    const starts = run.timeline.map(({ start }) => start);
    const atOnce = starts.map(
      (at) => run.timeline.filter(({ start, end }) => start <= at && at < end).length,
    );
    assert.equal(Math.max(...atOnce), 3);
    assert.ok(atOnce.filter((count) => count === 3).length > starts.length / 2);
  });
});
