import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKoffi } from '../../../src/backends/koffi-loader';
import type { BoundSession } from '../../../src/backends/onnxruntime/bound-session';
import { openBoundSession } from '../../../src/backends/onnxruntime/open-bound-session';
import { OrtLibrary } from '../../../src/backends/onnxruntime/ort-library';
import { GraphBuilder } from '../../../src/onnx/graph-builder';
import { writeModel } from '../../../src/onnx/write-model';

const doors = ['native', 'script'] as const;
const roles = ['decoder', 'stage'] as const;

for (const [door, role] of doors.flatMap((each) => roles.map((role) => [each, role] as const))) {
  describe(`BoundSession (${door}, ${role})`, () => {
    let dir: string;
    let session: BoundSession;

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'smolvlm-bound-'));
      const graph = new GraphBuilder('sum', { opsets: { '': 17 } });
      const one = graph.input('one', 'float32', ['size']);
      const other = graph.input('other', 'float32', ['size']);
      graph.output(graph.op('Add', [one, other], { outputs: ['sum'] }), 'float32', ['size']);
      await writeModel(graph.build(), join(dir, 'sum.onnx'));
      session = await openBoundSession(join(dir, 'sum.onnx'), { threads: 1, door, role });
    });
    after(async () => {
      await session.close();
      await rm(dir, { recursive: true, force: true });
    });

    const vector = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

    it('names its inputs and outputs', () => {
      const { inputs, outputs } = session.signature;
      assert.deepEqual(
        [...inputs, ...outputs].map(({ name, tensor }) => [name, tensor?.dtype, tensor?.shape.length]),
        [
          ['one', 'float32', 1],
          ['other', 'float32', 1],
          ['sum', 'float32', 1],
        ],
      );
    });

    it('computes from what its inputs hold when it runs', async () => {
      const [one, other, sum] = [vector(1, 2), vector(10, 20), vector(0, 0)];
      const binding = session.bind({ one, other }, { sum });
      await binding.run();
      assert.deepEqual([...sum.data], [11, 22]);
      one.data[0] = 5;
      await binding.run();
      assert.deepEqual([...sum.data], [15, 22]);
      binding.close();
    });

    it('writes an output into the memory of an input', async () => {
      const [one, total] = [vector(1, 2), vector(0, 0)];
      const binding = session.bind({ one, other: total }, { sum: total });
      for (let run = 0; run < 3; run++) await binding.run();
      assert.deepEqual([...total.data], [3, 6]);
      binding.close();
    });

    it('reports what the library refuses, and continues to work', async () => {
      const [one, sum] = [vector(1, 2), vector(0, 0)];
      const wrong = session.bind({ one, unknown: one }, { sum });
      await assert.rejects(wrong.run(), /other|unknown/);
      wrong.close();
      const right = session.bind({ one, other: one }, { sum });
      await right.run();
      assert.deepEqual([...sum.data], [2, 4]);
      right.close();
    });

    it('finishes its runs when it is closed', async () => {
      const closing = await openBoundSession(join(dir, 'sum.onnx'), { threads: 1, door, role });
      const [one, sum] = [vector(1), vector(0)];
      const run = closing.bind({ one, other: one }, { sum }).run();
      await closing.close();
      await run;
      assert.equal(sum.data[0], 2);
    });

    it('names a file that is not a graph', async () => {
      const path = join(dir, 'text.onnx');
      await writeFile(path, 'text');
      await assert.rejects(openBoundSession(path, { door, role }), /text\.onnx/);
    });
  });
}

describe('OrtLibrary', () => {
  it('names a library that is not there', async () => {
    const koffi = await loadKoffi();
    assert.throws(() => OrtLibrary.load(koffi, '/nowhere/libonnxruntime.so'), {
      code: 'onnxruntime-library',
      message: /\/nowhere\/libonnxruntime\.so/,
    });
  });

  it('shares one arena among all threads of the process', async () => {
    const koffi = await loadKoffi();
    assert.deepEqual(
      [OrtLibrary.load(koffi), OrtLibrary.load(koffi)].map(({ hasSharedArena }) => hasSharedArena),
      [true, true],
    );
  });
});
