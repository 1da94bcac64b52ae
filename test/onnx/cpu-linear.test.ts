import assert from 'node:assert/strict';
import { cpuInt8Range, linearInput, linearLayer } from '../../src/onnx/cpu-linear';
import { GraphBuilder } from '../../src/onnx/graph-builder';
import { MemoryTensors } from '../model/safetensors/memory-tensors';
import { runGraph } from './run-graph';

describe('linearLayer in int8', () => {
  it('does not saturate on this CPU with the largest possible weights and activations', async () => {
    const [rows, inner, outs] = [8, 256, 32];
    const source = new MemoryTensors()
      .add('fc.weight', [outs, inner], new Float32Array(outs * inner).fill(1))
      .add('fc.bias', [outs], new Float32Array(outs));
    const graph = new GraphBuilder('worst', { opsets: { '': 17, 'com.microsoft': 1 } });
    const canvas = { graph, source, precision: 'int8' } as const;
    const product = linearLayer(
      canvas,
      linearInput(canvas, graph.input('in', 'float32', [rows, inner])),
      'fc',
    );
    graph.op('Neg', [graph.op('Neg', [product])], { outputs: ['out'] });
    graph.output('out', 'float32', [rows, outs]);
    const out = await runGraph(graph.build(), new Float32Array(rows * inner).fill(1), [rows, inner]);
    for (const value of out)
      assert.ok(Math.abs(value - inner) < 1e-3 * inner, `${value} in place of ${inner}`);
  });

  it('keeps every sum of two products inside int16, the unit of AVX2’s multiply-add', () => {
    assert.ok(2 * 255 * cpuInt8Range <= 32767);
  });
});
