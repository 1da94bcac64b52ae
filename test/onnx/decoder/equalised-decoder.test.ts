import assert from 'node:assert/strict';
import type { TensorSource } from '../../../src/model/safetensors/tensor-source';
import { isRotated } from '../../../src/onnx/decoder/decoder-linear';
import { equalisedDecoder } from '../../../src/onnx/decoder/equalised-decoder';
import { RotatedDecoder } from '../../../src/onnx/decoder/rotated-decoder';
import { Rotation } from '../../../src/onnx/rotation';
import { MemoryTensors, seededValues } from '../../model/safetensors/memory-tensors';
import { relativeError } from '../../vision/agreement';
import { linear } from '../run-graph';
import { inMemory, withOutliers } from '../spread-channels';

const [hidden, intermediate] = [48, 96];
const at = 'text_model.layers.0';
const matrices = [
  ...['q', 'k', 'v'].map((name): [string, number, number] => [`self_attn.${name}_proj`, hidden, hidden]),
  ['mlp.gate_proj', intermediate, hidden],
  ['mlp.up_proj', intermediate, hidden],
  ['mlp.down_proj', hidden, intermediate],
] as const;
const norms = ['input_layernorm', 'post_attention_layernorm'];
const weight = (layer: string) => `${at}.${layer}.weight`;
const names = [...norms, ...matrices.map(([name]) => name)].map(weight);
const plain = new MemoryTensors();
for (const [seed, norm] of norms.entries()) {
  plain.add(
    weight(norm),
    [hidden],
    seededValues(hidden, seed).map((value) => 1 + 0.5 * value),
  );
}
for (const [seed, [name, outs, inner]] of matrices.entries()) {
  plain.add(weight(name), [outs, inner], seededValues(outs * inner, 10 + seed));
}

/** down(silu(gate · n) ⊙ up · n) with n = x ⊙ the norm's weight, and q · x: what reads equalised channels. */
function computed(tensors: MemoryTensors): Float32Array {
  const x = seededValues(hidden, 3);
  const scaled = (norm: string) => x.map((value, index) => value * tensors.values(weight(norm))[index]!);
  const product = (input: Float32Array, name: string) =>
    linear(input, tensors.values(weight(name)), input.length);
  const normal = scaled('post_attention_layernorm');
  const gate = product(normal, 'mlp.gate_proj').map((value) => value / (1 + Math.exp(-value)));
  const wide = product(normal, 'mlp.up_proj').map((value, index) => value * gate[index]!);
  const query = product(scaled('input_layernorm'), 'self_attn.q_proj');
  return Float32Array.of(...product(wide, 'mlp.down_proj'), ...query);
}

function text(hiddenSize: number) {
  return { layers: 1, hiddenSize };
}

/** As the graph reads the tensors. @param width that the decoder is said to have */
async function prepared(
  tensors: MemoryTensors,
  precision: 'int8' | 'int4',
  width: number,
): Promise<TensorSource> {
  const equalised = await equalisedDecoder(tensors, text(width), precision);
  return isRotated(precision, text(width))
    ? new RotatedDecoder(equalised, 1, 'lm_head.weight', new Rotation(hidden))
    : equalised;
}

describe('equalisedDecoder', () => {
  it('computes the same function', async () => {
    const equalised = await inMemory(await equalisedDecoder(plain, text(hidden), 'int8'), names);
    assert.notDeepEqual(equalised.values(weight('mlp.down_proj')), plain.values(weight('mlp.down_proj')));
    assert.ok(relativeError(computed(equalised), computed(plain)) < 1e-6);
  });

  it('gives the same weights, bit for bit, whether or not outliers were planted', async () => {
    const channels = [
      {
        producers: [weight('input_layernorm')],
        consumers: ['q', 'k', 'v'].map((name) => weight(`self_attn.${name}_proj`)),
      },
      {
        producers: [weight('post_attention_layernorm')],
        consumers: [weight('mlp.gate_proj'), weight('mlp.up_proj')],
      },
      { producers: [weight('mlp.up_proj')], consumers: [weight('mlp.down_proj')] },
    ];
    const spread = withOutliers(plain, names, channels, 64);
    assert.ok(relativeError(computed(spread), computed(plain)) < 1e-6);
    for (const [precision, width] of [
      ['int8', hidden],
      ['int8', 1024],
      ['int4', 1024],
    ] as const) {
      const found = await prepared(spread, precision, width);
      const expected = await prepared(plain, precision, width);
      for (const name of names) {
        assert.deepEqual(
          await found.read(name),
          await expected.read(name),
          `${name}, ${precision}, ${width}`,
        );
      }
    }
  });
});
