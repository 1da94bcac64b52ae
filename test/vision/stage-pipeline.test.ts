import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StageRunner } from '../../src/backends/stage-runner';
import { StagePipeline } from '../../src/vision/stage-pipeline';
import { VirtualNpu } from './virtual-npu';

const file = { path: 'x', sha256: '', sizeBytes: 0 };
const tensor = { name: 'in', dtype: 'float32', shape: [1] } as const;

/** Stages that add their index's digit and record who is inside. */
class Recorder {
  readonly inside = new Map<string, number>();
  readonly log: string[] = [];
  /** Most stages running at one time. */
  mostAtOnce = 0;

  stage(name: string, core?: number, fault?: (input: number) => void): StageRunner {
    return {
      stage: {
        name,
        file,
        precision: 'float32',
        input: tensor,
        output: tensor,
        ...(core !== undefined && { core }),
      },
      run: async (input) => {
        const value = input[0]!;
        this.inside.set(name, (this.inside.get(name) ?? 0) + 1);
        assert.equal(this.inside.get(name), 1, `${name} was entered twice at once`);
        const running = [...this.inside.values()].reduce((sum, count) => sum + count, 0);
        this.mostAtOnce = Math.max(this.mostAtOnce, running);
        try {
          await nextTurn();
          fault?.(value);
          this.log.push(`${name}:${value}`);
          return Float32Array.of(value + 1);
        } finally {
          this.inside.set(name, 0);
        }
      },
      close: async () => undefined,
    };
  }
}

function run(pipeline: StagePipeline, tiles: number, options = {}): Promise<number[]> {
  const results: number[] = [];
  return pipeline
    .run(
      tiles,
      async (tile) => Float32Array.of(100 * tile),
      async (tile, stream) => {
        results[tile] = stream[0]!;
      },
      options,
    )
    .then(() => results);
}

describe('StagePipeline', () => {
  it('runs each tile through all stages in order', async () => {
    const recorder = new Recorder();
    const pipeline = new StagePipeline(['a', 'b', 'c'].map((name) => recorder.stage(name)));
    assert.deepEqual(await run(pipeline, 2), [3, 103]);
    assert.deepEqual(recorder.log, ['a:0', 'b:1', 'c:2', 'a:100', 'b:101', 'c:102']);
  });

  it('keeps three cores busy with three tiles in flight, never entering a stage or core twice', async () => {
    const recorder = new Recorder();
    const stages = Array.from({ length: 9 }, (_, index) => recorder.stage(`s${index}`, index % 3));
    assert.deepEqual(await run(new StagePipeline(stages, 3), 7), [9, 109, 209, 309, 409, 509, 609]);
    assert.equal(recorder.mostAtOnce, 3);
  });

  it('never runs two stages at once on one core, with many tiles in flight and two calls', async () => {
    const recorder = new Recorder();
    const stages = Array.from({ length: 4 }, (_, index) => recorder.stage(`s${index}`, 0));
    const pipeline = new StagePipeline(stages, 5);
    await Promise.all([run(pipeline, 5), run(pipeline, 5)]);
    assert.equal(recorder.mostAtOnce, 1);
  });

  it('runs 13 tiles through 24 equal stages on three cores in 1/2.8 of the sequential time', async () => {
    const npu = new VirtualNpu(3, 24);
    assert.equal(await npu.timeOf(13, 1), 13 * 24);
    const ratio = (13 * 24) / (await npu.timeOf(13, 7));
    assert.ok(ratio >= 2.8 && ratio <= 3, `${ratio}`);
    const two = new VirtualNpu(2, 24);
    assert.ok((13 * 24) / (await two.timeOf(13, 5)) >= 1.85);
  });

  it('needs only the sum of the stages for a single tile, however many may be in flight', async () => {
    assert.equal(await new VirtualNpu(3, 24).timeOf(1, 7), 24);
  });

  it('keeps the cores busy when MLP halves take longer than attention', async () => {
    const npu = new VirtualNpu(3, 24, (index) => 1 + (index % 2));
    assert.ok((13 * 36) / (await npu.timeOf(13, 7)) >= 2.8);
  });

  it('has an urgent tile wait at most one tile longer than alone, whenever it arrives among tiles in flight', async () => {
    const times: number[] = [];
    for (let at = 0; at < 100; at += 1.3) times.push(await new VirtualNpu(3, 24).timeOfUrgent(13, 7, at));
    assert.ok(Math.max(...times) <= 2 * 24, `${Math.max(...times)} for 24`);
    assert.ok(Math.min(...times) >= 24);
  });

  it('counts progress over all tiles', async () => {
    const recorder = new Recorder();
    const seen: string[] = [];
    const pipeline = new StagePipeline([recorder.stage('a'), recorder.stage('b')]);
    await run(pipeline, 2, {
      onProgress: (progress: { done: number; total: number; stage: string; tile: number }) =>
        seen.push(`${progress.done}/${progress.total} ${progress.stage} ${progress.tile}`),
    });
    assert.deepEqual(seen, ['1/4 a 0', '2/4 b 0', '3/4 a 1', '4/4 b 1']);
  });

  it('fails with the first error, after every running stage has ended, and can be used again', async () => {
    const recorder = new Recorder();
    const fault = (input: number): void => {
      if (input === 101) throw new Error('the core hangs');
    };
    const stages = [recorder.stage('a', 0), recorder.stage('b', 1, fault), recorder.stage('c', 2)];
    const pipeline = new StagePipeline(stages, 3);
    await assert.rejects(run(pipeline, 6), { message: 'the core hangs' });
    assert.deepEqual([...recorder.inside.values()], [0, 0, 0]);
    assert.deepEqual(await run(pipeline, 1), [3]);
  });

  it('does nothing when it is already aborted', async () => {
    const recorder = new Recorder();
    const pipeline = new StagePipeline([recorder.stage('a')]);
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(run(pipeline, 1, { signal }), { message: 'too late' });
    assert.deepEqual(recorder.log, []);
  });
});
