import assert from 'node:assert/strict';
import { cpuVisionStage } from '../../../src/onnx/vision/cpu-vision-stage';
import { equalisedVision } from '../../../src/onnx/vision/equalised-vision';
import { cosine } from '../../cosine';
import { type MemoryTensors, seededValues } from '../../model/safetensors/memory-tensors';
import { relativeError } from '../../vision/agreement';
import { blockTensors, flat, ReferenceBlock, rowsOf } from '../patterns/reference-block';
import { runGraph } from '../run-graph';
import { inMemory, type SpreadChannels, withOutliers } from '../spread-channels';
import { activations } from './reference-stage';

/** Wide enough for int8 throughout. */
const block = { tokens: 32, hidden: 512, heads: 4, intermediate: 128 };
const shape = { ...block, layers: 1, layerNormEps: 1e-6, hiddenAct: 'gelu_pytorch_tanh' };
const at = 'vision_model.encoder.layers.0';
const layers = ['layer_norm1', 'layer_norm2', 'mlp.fc1', 'mlp.fc2'];
const projections = ['q', 'k', 'v', 'out'].map((name) => `self_attn.${name}_proj`);
const parameters = (layer: string) => [`${at}.${layer}.weight`, `${at}.${layer}.bias`];
const names = [...layers, ...projections].flatMap(parameters);
const channels: readonly SpreadChannels[] = [
  {
    producers: parameters('layer_norm1'),
    consumers: projections.slice(0, 3).map((name) => `${at}.${name}.weight`),
  },
  { producers: parameters('self_attn.v_proj'), consumers: [`${at}.self_attn.out_proj.weight`] },
  { producers: parameters('layer_norm2'), consumers: [`${at}.mlp.fc1.weight`] },
];
const plain = blockTensors(block);
const stream = seededValues(block.tokens * block.hidden, 4);

/** The block in double precision. */
function computed(tensors: MemoryTensors): Float32Array {
  const reference = new ReferenceBlock(block, tensors, shape.layerNormEps, activations.gelu_pytorch_tanh!);
  return flat(reference.mlp(reference.attention(rowsOf(stream, block.hidden))));
}

function inInt8(tensors: Parameters<typeof cpuVisionStage>[3]): Promise<Float32Array> {
  const halves = [
    { layer: 0, half: 'attn' },
    { layer: 0, half: 'mlp' },
  ] as const;
  const graph = cpuVisionStage('l0', halves, shape, tensors, 'int8');
  return runGraph(graph, stream, [1, block.tokens, block.hidden]);
}

describe('equalisedVision', () => {
  it('computes the same function in double precision', async () => {
    const equalised = await inMemory(await equalisedVision(plain, 1), names);
    assert.notDeepEqual(equalised.values(`${at}.mlp.fc1.weight`), plain.values(`${at}.mlp.fc1.weight`));
    assert.ok(relativeError(computed(equalised), computed(plain)) < 1e-6);
  });

  for (const factor of [8, 32, 128]) {
    it(`gives the same weights, bit for bit, whether or not outliers of ${factor} were planted`, async () => {
      const spread = withOutliers(plain, names, channels, factor);
      assert.ok(relativeError(computed(spread), computed(plain)) < 1e-6);
      const [equalised, expected] = [await equalisedVision(spread, 1), await equalisedVision(plain, 1)];
      for (const name of names) assert.deepEqual(await equalised.read(name), await expected.read(name), name);
    });
  }

  it('keeps int8 close to float32 despite outliers of 100, which are not a power of two', async () => {
    const spread = withOutliers(plain, names, channels, 100);
    const expected = computed(plain);
    const [kept, lost] = [
      cosine(await inInt8(await equalisedVision(spread, 1)), expected),
      cosine(await inInt8(spread), expected),
    ];
    assert.ok(kept > 0.9998, `cosine ${kept}`);
    assert.ok(lost < 0.999, `cosine without equalisation ${lost}`);
  });

  it('reads rows of a scaled matrix as the whole matrix has them', async () => {
    const equalised = await equalisedVision(plain, 1);
    const name = `${at}.self_attn.v_proj.weight`;
    const whole = await equalised.read(name);
    assert.deepEqual(
      await equalised.readRows(name, 5, 9),
      whole.subarray(5 * block.hidden, 9 * block.hidden),
    );
  });
});
