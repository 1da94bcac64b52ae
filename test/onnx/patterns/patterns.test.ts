import assert from 'node:assert/strict';
import {
  GraphBuilder,
  npuActivation,
  type OnnxGraph,
  queryChunks,
  sandwich,
  scaledLayerNorm,
  tanhGelu,
} from '@rk3588/node-red-smolvlm/patterns';
import { cosine } from '../../cosine';
import { seededValues } from '../../model/safetensors/memory-tensors';
import { relativeError } from '../../vision/agreement';
import { runGraph } from '../run-graph';
import { activations } from '../vision/reference-stage';
import { roundedToFp16 } from './fp16-graph';

/** One input, one output: `out` = build(`in`). */
function pointwise(length: number, build: (graph: GraphBuilder, value: string) => string): OnnxGraph {
  const graph = new GraphBuilder('test', { opsets: { '': 12 }, irVersion: 7 });
  const result = build(graph, graph.input('in', 'float32', [1, length]));
  const zero = graph.constant('zero', 'float32', [1], 0);
  graph.output(graph.op('Add', [result, zero], { outputs: ['out'] }), 'float32', [1, length]);
  return graph.build();
}

describe('patterns', () => {
  const wide = Float32Array.from({ length: 4001 }, (_, index) => (index - 2000) / 10);

  it('tanhGelu is tanh-GELU from -200 to 200', async () => {
    const out = await runGraph(pointwise(wide.length, tanhGelu), wide, [1, wide.length]);
    for (const [index, x] of wide.entries()) {
      const error = Math.abs(out[index]! - activations.gelu_pytorch_tanh!(x));
      assert.ok(error <= 1e-6 * Math.max(1, Math.abs(x)), `gelu(${x}) is off by ${error}`);
    }
  });

  it('tanhGelu stays finite and close in fp16, where x³ would leave it', async () => {
    const graph = roundedToFp16(pointwise(wide.length, tanhGelu));
    const out = await runGraph(graph, wide, [1, wide.length]);
    for (const [index, x] of wide.entries()) {
      const error = Math.abs(out[index]! - activations.gelu_pytorch_tanh!(x));
      assert.ok(error <= 4e-3 * Math.max(1, Math.abs(x)), `gelu(${x}) is off by ${error}`);
    }
  });

  for (const name of ['quick_gelu', 'silu', 'relu', 'gelu_new']) {
    it(`npuActivation builds ${name}`, async () => {
      const graph = pointwise(wide.length, (builder, value) => npuActivation(builder, value, name));
      const out = await runGraph(graph, wide, [1, wide.length]);
      assert.ok(relativeError(out, wide.map(activations[name]!)) < 1e-6);
    });
  }

  it('npuActivation refuses a function the NPU patterns do not have, naming it', () => {
    assert.throws(() => pointwise(1, (graph, value) => npuActivation(graph, value, 'mish')), {
      code: 'activation-unknown',
      message: /"mish"/,
    });
  });

  it('scaledLayerNorm returns the bias for a constant row, in fp16 too', async () => {
    const graph = pointwise(8, (builder, value) =>
      scaledLayerNorm(builder, value, {
        weight: builder.constant('w', 'float32', [8], new Float32Array(8).fill(2)),
        bias: builder.constant('b', 'float32', [8], new Float32Array(8).fill(0.5)),
        eps: 1e-6,
        scale: 0.1,
      }),
    );
    const out = await runGraph(roundedToFp16(graph), new Float32Array(8).fill(7), [1, 8]);
    assert.deepEqual([...out], Array(8).fill(0.5));
  });

  it('queryChunks puts the rest of the tokens into the last chunk', () => {
    assert.deepEqual(queryChunks(70, 32), [32, 32, 6]);
    assert.deepEqual(queryChunks(64, 32), [32, 32]);
    assert.deepEqual(queryChunks(8, 32), [8]);
    assert.throws(() => queryChunks(8, 0), { code: 'onnx-query-rows' });
  });

  for (const [what, outlier] of [
    ['a quiet row', 0],
    ['a row with outliers of ±2,000', 2000],
  ] as const) {
    /** One token of 64 channels, scaled. */
    const row = seededValues(64, 8).map((value, channel) =>
      channel === 5 ? value + outlier : channel === 40 ? value - outlier : value,
    );
    const scaled = row.map((value) => value * 0.1);

    it(`scaledLayerNorm is layer norm of ${what}, through fp16 too`, async () => {
      const [weight, bias] = [seededValues(64, 9), seededValues(64, 10)];
      const graph = pointwise(64, (builder, value) =>
        scaledLayerNorm(builder, value, {
          weight: builder.constant('w', 'float32', [64], weight),
          bias: builder.constant('b', 'float32', [64], bias),
          eps: 1e-6,
          scale: 0.1,
        }),
      );
      const mean = row.reduce((sum, x) => sum + x, 0) / 64;
      const deviation = Math.sqrt(row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 64 + 1e-6);
      const expected = row.map((x, channel) => ((x - mean) / deviation) * weight[channel]! + bias[channel]!);
      assert.ok(relativeError(await runGraph(graph, scaled, [1, 64]), expected) < 1e-5);
      const rounded = await runGraph(roundedToFp16(graph), scaled, [1, 64]);
      assert.ok(rounded.every(Number.isFinite) && cosine(rounded, expected) >= 0.999);
    });

    it(`sandwich adds the branch to ${what}, through fp16 too`, async () => {
      const graph = pointwise(64, (builder, value) =>
        sandwich(builder, value, { scale: 0.1, output: 'sum' }, (stream) => builder.op('Sigmoid', [stream])),
      );
      const expected = scaled.map((x) => x + 0.1 / (1 + Math.exp(-x)));
      assert.ok(relativeError(await runGraph(graph, scaled, [1, 64]), expected) < 1e-6);
      const rounded = await runGraph(roundedToFp16(graph), scaled, [1, 64]);
      assert.ok(rounded.every(Number.isFinite) && cosine(rounded, expected) >= 0.999);
    });
  }
});
