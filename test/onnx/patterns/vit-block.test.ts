import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import {
  GraphBuilder,
  type OnnxGraph,
  queryTiledAttention,
  sandwich,
  scaledLayerNorm,
  tanhGelu,
  writeModel,
} from '@rk3588/node-red-smolvlm/patterns';
import { ToolkitWorker } from '../../../src/convert/toolkit/toolkit-worker';
import { testToolkit } from '../../convert/toolkit/test-toolkit';
import { cosine } from '../../cosine';
import { seededValues } from '../../model/safetensors/memory-tensors';
import { useTempFolder } from '../../temp-folder';
import { relativeError } from '../../vision/agreement';
import { runGraph } from '../run-graph';
import { activations } from '../vision/reference-stage';
import { blockTensors, flat, ReferenceBlock, rowsOf } from './reference-block';

/** As ViT has them: 14 × 14 patches and a class token, which no chunk of 32 rows divides. */
const block = { tokens: 197, hidden: 64, heads: 4, intermediate: 128 };
const { tokens, hidden, heads, intermediate } = block;
const size = [1, tokens, hidden];
const eps = 1e-6;
const scale = 0.125;
const tensors = blockTensors(block);

/** A whole block of ViT with the patterns: one weight for queries, keys and values, as timm stores it. */
function vitBlock(): OnnxGraph {
  const graph = new GraphBuilder('vit_block', { opsets: { '': 12 }, irVersion: 7 });
  const values = (name: string) => tensors.values(`vision_model.encoder.layers.0.${name}`);
  const constant = (name: string, shape: readonly number[], data = values(name)) =>
    graph.constant(name, 'float32', shape, data);
  const norm = (stream: string, name: string): string => {
    const weight = constant(`${name}.weight`, [hidden]);
    const bias = constant(`${name}.bias`, [hidden]);
    return scaledLayerNorm(graph, stream, { weight, bias, eps, scale });
  };
  const linear = (input: string, name: string, [ins, outs]: readonly [number, number]): string => {
    const weight = constant(name, [ins, outs], transposed(values(`${name}.weight`), outs));
    return graph.op('Add', [graph.op('MatMul', [input, weight]), constant(`${name}.bias`, [outs])]);
  };
  const parts = ['q_proj', 'k_proj', 'v_proj'].map((name) => `self_attn.${name}`);
  const fused = parts.flatMap((name) => [...values(`${name}.weight`)]);
  const fusedBias = parts.flatMap((name) => [...values(`${name}.bias`)]);

  const stream = graph.input('in', 'float32', size);
  const attended = sandwich(graph, stream, { scale, output: 'attended' }, (scaled) => {
    const weight = constant('qkv', [hidden, 3 * hidden], transposed(Float32Array.from(fused), 3 * hidden));
    const bias = constant('qkv.bias', [3 * hidden], Float32Array.from(fusedBias));
    const all = graph.op('Add', [graph.op('MatMul', [norm(scaled, 'layer_norm1'), weight]), bias]);
    const [query = '', key = '', value = ''] = graph.node('Split', [all], {
      outputs: 3,
      attributes: { axis: { int: 2 }, split: { ints: [hidden, hidden, hidden] } },
    });
    const mixed = queryTiledAttention(graph, { query, key, value }, { tokens, hidden, heads, queryRows: 32 });
    return linear(mixed, 'self_attn.out_proj', [hidden, hidden]);
  });
  const out = sandwich(graph, attended, { scale, output: 'out' }, (scaled) => {
    const wide = linear(norm(scaled, 'layer_norm2'), 'mlp.fc1', [hidden, intermediate]);
    return linear(tanhGelu(graph, wide), 'mlp.fc2', [intermediate, hidden]);
  });
  graph.output(out, 'float32', size);
  return graph.build();
}

/** [outs, ins] → [ins, outs] */
function transposed(values: Float32Array, outs: number): Float32Array {
  const ins = values.length / outs;
  return Float32Array.from(values, (_, at) => values[(at % outs) * ins + Math.floor(at / outs)] ?? 0);
}

/** The block in double precision. */
function expected(stream: Float32Array): Float32Array {
  const reference = new ReferenceBlock(block, tensors, eps, activations.gelu_pytorch_tanh!);
  return flat(reference.mlp(reference.attention(rowsOf(stream, hidden))));
}

describe('a block of ViT, which is not SmolVLM, with the patterns', function () {
  this.timeout(300_000);
  const temp = useTempFolder();

  it('computes the same as double precision', async () => {
    const stream = seededValues(tokens * hidden, 4);
    const out = await runGraph(
      vitBlock(),
      stream.map((x) => x * scale),
      size,
    );
    assert.ok(
      relativeError(
        out.map((x) => x / scale),
        expected(stream),
      ) < 1e-5,
    );
  });

  it('converts to a .rknn file that agrees in the simulator, also with channels of ±2,000', async () => {
    const folder = temp();
    const onnx = temp('vit.onnx');
    const output = temp('vit.rknn');
    await writeModel(vitBlock(), onnx);
    const toolkit = await testToolkit();
    await using worker = await ToolkitWorker.start({ toolkit, logFile: `${folder}/log` });
    await worker.build({ model: 'vit', onnx, output, target: 'rk3588', calibration: [] });
    assert.equal((await readFile(output)).subarray(0, 4).toString(), 'RKNN');
    for (const outlier of [0, 2000]) {
      const stream = seededValues(tokens * hidden, 4).map((value, index) => {
        const channel = index % hidden;
        return channel === 5 ? value + outlier : channel === 40 ? value - outlier : value;
      });
      const scaled = stream.map((x) => x * scale);
      const out = await worker.simulate('vit', scaled, size);
      assert.ok(out.every(Number.isFinite));
      // The outliers dominate the cosine: the other channels must agree on their own.
      const quiet = (values: Float32Array) => values.filter((_, at) => ![5, 40].includes(at % hidden));
      const angle = cosine(quiet(out), quiet(expected(stream)));
      assert.ok(angle >= 0.999, `cosine ${angle} with outliers of ${outlier}`);
    }
  });
});
