import assert from 'node:assert/strict';
import { benchmarkSchedule, type ScheduleBenchmark } from '../../src/cli/bench/emulator/schedule-benchmark';

describe('the NPU’s schedule on the timed emulator', function () {
  this.timeout(60_000);
  const tiles = 13;
  let run: ScheduleBenchmark;
  before(async () => {
    run = await benchmarkSchedule({ cores: 3, tiles, stageMs: 5 });
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

  it('has all three cores at work at once', () => {
    const atOnce = run.timeline.map(
      ({ start: at }) => run.timeline.filter(({ start, end }) => start <= at && at < end).length,
    );
    assert.equal(Math.max(...atOnce), 3);
  });

  it('leaves no core to wait for another’s work, were all stages of equal time', () => {
    // The order in which the cores took their stages, replayed in whole stages: a busy machine stretches the trace's
    // own times, not this.
    const stages = [...runsOf('stage').keys()];
    const order = [...run.timeline].sort((a, b) => a.start - b.start);
    const coreFree = new Map<number, number>();
    const tileReady = new Map<string, number>();
    const turns = new Map<string, number>();
    for (const { stage, core } of order) {
      const tile = turns.get(stage) ?? 0;
      turns.set(stage, tile + 1);
      const previous = stages[stages.indexOf(stage) - 1];
      const ready = previous === undefined ? 0 : tileReady.get(`${previous} ${tile}`)!;
      const end = Math.max(coreFree.get(core) ?? 0, ready) + 1;
      coreFree.set(core, end);
      tileReady.set(`${stage} ${tile}`, end);
    }
    const replayed = Math.max(...coreFree.values());
    assert.ok(replayed <= run.timeline.length / 2, `${replayed} of ${run.timeline.length} stages' time`);
  });
});
