import assert from 'node:assert/strict';
import {
  GraphBuilder,
  npuActivation,
  type OnnxGraph,
  queryChunks,
  queryTiledAttention,
  sandwich,
  scaledLayerNorm,
  tanhGelu,
} from '@rk3588/node-red-smolvlm/patterns';
import { seededValues } from '../../memory-tensors';
import { relativeError } from '../../vision/agreement';
import { activations } from '../reference-stage';
import { runGraph } from '../run-graph';
import { roundedToFp16 } from './fp16-graph';

/** One value in, one out: `out` = draw(`in`). */
function pointwise(length: number, draw: (graph: GraphBuilder, value: string) => string): OnnxGraph {
  const graph = new GraphBuilder('test', { opsets: { '': 12 }, irVersion: 7 });
  const result = draw(graph, graph.input('in', 'float32', [1, length]));
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
    it(`npuActivation draws ${name}`, async () => {
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

  it('scaledLayerNorm gives a constant row its bias, in fp16 too', async () => {
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

  it('queryChunks leaves the rest of the tokens to the last chunk', () => {
    assert.deepEqual(queryChunks(70, 32), [32, 32, 6]);
    assert.deepEqual(queryChunks(64, 32), [32, 32]);
    assert.deepEqual(queryChunks(8, 32), [8]);
    assert.throws(() => queryChunks(8, 0), { code: 'onnx-query-rows' });
  });

  it('converts a plain ViT block that is not SmolVLM: 197 tokens, one weight for q, k and v', async () => {
    const [tokens, hidden, heads] = [197, 32, 2];
    const graph = new GraphBuilder('vit_block', { opsets: { '': 12 }, irVersion: 7 });
    const input = graph.input('in', 'float32', [1, tokens, hidden]);
    const fused = graph.constant('qkv', 'float32', [hidden, 3 * hidden], seededValues(3 * hidden ** 2, 3));
    const ones = graph.constant('ones', 'float32', [hidden], new Float32Array(hidden).fill(1));
    const zeros = graph.constant('zeros', 'float32', [hidden], new Float32Array(hidden));
    const out = sandwich(graph, input, { scale: 0.125, output: 'out' }, (stream) => {
      const normal = scaledLayerNorm(graph, stream, { weight: ones, bias: zeros, eps: 1e-6, scale: 0.125 });
      const [query = '', key = '', value = ''] = graph.node('Split', [graph.op('MatMul', [normal, fused])], {
        outputs: 3,
        attributes: { axis: { int: 2 }, split: { ints: [hidden, hidden, hidden] } },
      });
      return queryTiledAttention(graph, { query, key, value }, { tokens, hidden, heads, queryRows: 64 });
    });
    graph.output(out, 'float32', [1, tokens, hidden]);

    const whole = graph.build();
    const stream = seededValues(tokens * hidden, 4);
    const result = await runGraph(whole, stream, [1, tokens, hidden]);
    const expected = plainVit(stream, tokens, hidden, heads, seededValues(3 * hidden ** 2, 3));
    assert.ok(relativeError(result, expected) < 1e-5);
  });
});

/** x + 0.125 · attention(norm(x)), all queries at once, in double precision. */
function plainVit(
  stream: Float32Array,
  tokens: number,
  hidden: number,
  heads: number,
  qkv: Float32Array,
): Float32Array {
  const width = hidden / heads;
  const projected = Array.from({ length: tokens }, (_, token) => {
    const row = [...stream.subarray(token * hidden, (token + 1) * hidden)];
    const mean = row.reduce((sum, x) => sum + x, 0) / hidden;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / hidden;
    const deviation = Math.sqrt(variance + 1e-6 * 0.125 ** 2);
    return Float64Array.from({ length: 3 * hidden }, (_, out) =>
      row.reduce((sum, x, c) => sum + ((x - mean) / deviation) * qkv[c * 3 * hidden + out]!, 0),
    );
  });
  return stream.map((x, index) => {
    const [token, channel] = [Math.floor(index / hidden), index % hidden];
    const begin = Math.floor(channel / width) * width;
    const scores = projected.map((row) => {
      let sum = 0;
      for (let c = begin; c < begin + width; c++) sum += projected[token]![c]! * row[hidden + c]!;
      return sum / Math.sqrt(width);
    });
    const largest = Math.max(...scores);
    const shares = scores.map((score) => Math.exp(score - largest));
    const total = shares.reduce((sum, share) => sum + share, 0);
    const mixed = shares.reduce((sum, share, t) => sum + share * projected[t]![2 * hidden + channel]!, 0);
    return x + (0.125 * mixed) / total;
  });
}
