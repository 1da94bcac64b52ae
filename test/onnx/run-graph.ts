import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OnnxGraph } from '../../src/onnx/graph-builder';
import { writeModel } from '../../src/onnx/write-model';

/** Writes a graph, runs it once in onnxruntime and returns its output `out`. */
export async function runGraph(
  graph: OnnxGraph,
  input: Float32Array,
  shape: readonly number[],
): Promise<Float32Array> {
  const folder = await mkdtemp(join(tmpdir(), 'smolvlm-graph-'));
  try {
    const path = join(folder, 'graph.onnx');
    await writeModel(graph, path);
    const session = await InferenceSession.create(path);
    try {
      const { out } = await session.run({ in: new Tensor('float32', input, shape) });
      return Float32Array.from(out?.data as Float32Array);
    } finally {
      await session.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** x[rows, in] · wᵀ for w[out, in], in double precision. */
export function linear(x: Float32Array, w: Float32Array, columns: number): Float32Array {
  const [rows, outs] = [x.length / columns, w.length / columns];
  const result = new Float32Array(rows * outs);
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < outs; out++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += x[row * columns + k]! * w[out * columns + k]!;
      result[row * outs + out] = sum;
    }
  }
  return result;
}
