import assert from 'node:assert/strict';
import type { OnnxGraph } from '../../../src/onnx/graph-builder';
import { npuVisionStage } from '../../../src/onnx/vision/npu-vision-stage';
import { cosine } from '../../cosine';
import { seededValues } from '../../model/safetensors/memory-tensors';
import { relativeError } from '../../vision/agreement';
import { roundedToFp16 } from '../patterns/fp16-graph';
import { blockTensors, flat, ReferenceBlock, rowsOf } from '../patterns/reference-block';
import { runGraph } from '../run-graph';
import { activations } from './reference-stage';

/** 70 tokens are two chunks of 32 rows and one of 6. */
const block = { tokens: 70, hidden: 64, heads: 4, intermediate: 128 };
const eps = 1e-5;
const tensors = blockTensors(block);
const reference = new ReferenceBlock(block, tensors, eps, activations.gelu_pytorch_tanh!);
const shape = { ...block, layers: 1, layerNormEps: eps, hiddenAct: 'gelu_pytorch_tanh' };
const size = [1, block.tokens, block.hidden];
const halves = {
  attn: (rows: readonly Float64Array[]) => reference.attention(rows),
  mlp: (rows: readonly Float64Array[]) => reference.mlp(rows),
};

/** A stream with two outlier channels, as vision towers have: ±2,000 where the others are about 1. */
function outlierStream(): Float32Array {
  return seededValues(block.tokens * block.hidden, 99).map((value, index) => {
    const channel = index % block.hidden;
    if (channel === 5) return 2000 + value;
    return channel === 40 ? -2000 + value : value;
  });
}

function shard(half: 'attn' | 'mlp', residualScale: number, queryRows = 32): OnnxGraph {
  return npuVisionStage(`l0_${half}`, [{ layer: 0, half }], shape, tensors, { residualScale, queryRows });
}

/** Runs a shard on a stream and undoes its scale. */
async function runShard(graph: OnnxGraph, stream: Float32Array, scale: number): Promise<Float32Array> {
  const out = await runGraph(
    graph,
    stream.map((value) => value * scale),
    size,
  );
  return out.map((value) => value / scale);
}

describe('npuVisionStage', () => {
  for (const half of ['attn', 'mlp'] as const) {
    for (const scale of [0.1, 0.125, 1]) {
      it(`computes the ${half} half on a stream × ${scale} like double precision`, async () => {
        const stream = seededValues(block.tokens * block.hidden, 98);
        const expected = flat(halves[half](rowsOf(stream, block.hidden)));
        assert.ok(relativeError(await runShard(shard(half, scale), stream, scale), expected) < 1e-5);
      });
    }

    it(`keeps the ${half} half finite and correct in fp16 with channels of ±2,000`, async () => {
      const stream = outlierStream();
      const expected = halves[half](rowsOf(stream, block.hidden));
      const out = await runShard(roundedToFp16(shard(half, 0.1)), stream, 0.1);
      assert.ok(out.every(Number.isFinite));
      assert.ok(cosine(out, flat(expected)) >= 0.999);
      // The outliers dominate the cosine above; the other channels must also agree on their own.
      const quiet = (values: Float32Array) => values.filter((_, i) => ![5, 40].includes(i % block.hidden));
      const angle = cosine(quiet(out), quiet(flat(expected)));
      assert.ok(angle >= 0.999, `channels without outliers: cosine ${angle}`);
    });

    it(`needs the sandwich: the unscaled ${half} half overflows fp16 with channels of ±2,000`, async () => {
      const out = await runShard(roundedToFp16(shard(half, 1)), outlierStream(), 1);
      const expected = flat(halves[half](rowsOf(outlierStream(), block.hidden)));
      const wrong = !out.every(Number.isFinite) || relativeError(out, expected) > 1e-3;
      assert.ok(wrong);
    });
  }

  it('computes the same attention for any number of rows per query chunk', async () => {
    const stream = seededValues(block.tokens * block.hidden, 98);
    const whole = await runShard(shard('attn', 0.1, 512), stream, 0.1);
    for (const rows of [1, 7, 32, 70]) {
      assert.ok(relativeError(await runShard(shard('attn', 0.1, rows), stream, 0.1), whole) < 1e-5);
    }
  });

  it('joins half-layers into a layer with one residual stream', async () => {
    const stream = seededValues(block.tokens * block.hidden, 98);
    const layer = npuVisionStage(
      'l0',
      [
        { layer: 0, half: 'attn' },
        { layer: 0, half: 'mlp' },
      ],
      shape,
      tensors,
      { residualScale: 0.1, queryRows: 32 },
    );
    const expected = flat(reference.mlp(reference.attention(rowsOf(stream, block.hidden))));
    assert.ok(relativeError(await runShard(layer, stream, 0.1), expected) < 1e-5);
  });

  it("has the prototype's contract: opset 12, in and out [1, tokens, hidden], no Identity", () => {
    const graph = shard('attn', 0.1);
    assert.deepEqual(graph.opsets, { '': 12 });
    assert.deepEqual(graph.inputs, [{ name: 'in', dtype: 'float32', shape: size }]);
    assert.deepEqual(graph.outputs, [{ name: 'out', dtype: 'float32', shape: size }]);
    assert.ok(graph.nodes.every(({ op }) => op !== 'Identity' && op !== 'LayerNormalization'));
  });

  it('never computes the scores of all queries of a head at once', () => {
    const graph = shard('attn', 0.1);
    const value = (name: string) => {
      const constant = graph.constants.find((each) => each.name === name)!;
      return Number(new DataView(constant.bytes.buffer, constant.bytes.byteOffset).getBigInt64(0, true));
    };
    const slices = graph.nodes.filter(({ op }) => op === 'Slice');
    assert.deepEqual(
      slices.map(({ inputs }) => [value(inputs[1]!), value(inputs[2]!)]),
      [
        [0, 32],
        [32, 64],
        [64, 70],
      ],
    );
  });
});
