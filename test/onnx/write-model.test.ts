import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder, type StreamedTensor } from '../../src/onnx/graph-builder';
import { writeModel } from '../../src/onnx/write-model';

function streamed(shape: readonly number[], values: readonly number[]): StreamedTensor {
  return {
    dtype: 'float32',
    shape,
    *chunks() {
      for (const value of values) yield new Uint8Array(Float32Array.of(value).buffer);
    },
  };
}

/** out = FastGelu(transpose(in) · w + bias): attributes, constants, streamed weights and a second domain. */
function sampleGraph() {
  const graph = new GraphBuilder('sample', { opsets: { '': 17, 'com.microsoft': 1 } });
  const input = graph.input('in', 'float32', [2, 'columns']);
  const turned = graph.op('Transpose', [input], { attributes: { perm: { ints: [1, 0] } } });
  const product = graph.op('MatMul', [turned, graph.weight('odd', streamed([2, 1], [1, -2]))]);
  const summed = graph.op('Add', [product, graph.weight('bias', streamed([1], [0.5]))]);
  const doubled = graph.op('Mul', [summed, graph.constant('two', 'float32', [], 2)]);
  graph.node('FastGelu', [doubled], { domain: 'com.microsoft', outputs: ['out'] });
  graph.output('out', 'float32', ['columns', 1]);
  return graph.build();
}

describe('writeModel', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smolvlm-onnx-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('writes a model that onnxruntime loads and computes correctly', async () => {
    const path = join(folder, 'sample.onnx');
    await writeModel(sampleGraph(), path);
    const session = await InferenceSession.create(path);
    const input = new Tensor('float32', Float32Array.of(1, 2, 3, 0.5, 0, -1), [2, 3]);
    const { out } = await session.run({ in: input });
    await session.release();
    const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    const expected = [1 - 1, 2 - 0, 3 + 2].map((product) => gelu(2 * (product + 0.5)));
    assert.deepEqual(out?.dims, [3, 1]);
    for (const [index, value] of [...(out!.data as Float32Array)].entries()) {
      assert.ok(Math.abs(value - (expected[index] ?? Number.NaN)) < 1e-5, `row ${index}: ${value}`);
    }
  });

  it('names both files with the hash and size of what is on disk, weights at multiples of 64 bytes', async () => {
    const written = await writeModel(sampleGraph(), join(folder, 'sample.onnx'));
    assert.deepEqual(await readdir(folder), ['sample.onnx', 'sample.onnx.data']);
    for (const file of [written.model, written.data]) {
      assert.ok(file);
      const bytes = await readFile(join(folder, file.name));
      assert.equal(file.sizeBytes, bytes.length);
      assert.equal(file.sha256, createHash('sha256').update(bytes).digest('hex'));
    }
    assert.equal(written.data?.sizeBytes, 64 + 4);
  });

  it('leaves nothing behind when a weight has too few bytes', async () => {
    const graph = new GraphBuilder('short', { opsets: { '': 17 } });
    graph.op('Neg', [graph.weight('w', streamed([2], [1]))], { outputs: ['out'] });
    graph.output('out', 'float32', [2]);
    await assert.rejects(writeModel(graph.build(), join(folder, 'short.onnx')), {
      code: 'onnx-weight-size',
      message: 'weight w: float32 [2] is 8 bytes, received 4',
    });
    assert.deepEqual(await readdir(folder), []);
  });

  it('leaves nothing behind when it is aborted', async () => {
    const abort = new AbortController();
    const write = writeModel(sampleGraph(), join(folder, 'sample.onnx'), {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    });
    await assert.rejects(write, { message: 'enough' });
    assert.deepEqual(await readdir(folder), []);
  });
});
