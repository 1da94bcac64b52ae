import assert from 'node:assert/strict';
import { RotatedDecoder } from '../../../src/onnx/decoder/rotated-decoder';
import { Rotation } from '../../../src/onnx/rotation';
import { MemoryTensors, seededValues } from '../../model/safetensors/memory-tensors';
import { relativeError } from '../../vision/agreement';
import { linear } from '../run-graph';

const [hidden, intermediate, vocabulary] = [24, 40, 30];
const at = 'text_model.layers.0';
const rotation = new Rotation(hidden);
const plain = new MemoryTensors();
const matrices: readonly (readonly [string, number, number])[] = [
  ...['q', 'k', 'v', 'o'].map((name) => [`${at}.self_attn.${name}_proj.weight`, hidden, hidden] as const),
  ...['gate', 'up'].map((name) => [`${at}.mlp.${name}_proj.weight`, intermediate, hidden] as const),
  [`${at}.mlp.down_proj.weight`, hidden, intermediate],
  ['lm_head.weight', vocabulary, hidden],
];
const norms = [
  `${at}.input_layernorm.weight`,
  `${at}.post_attention_layernorm.weight`,
  'text_model.norm.weight',
];
for (const [seed, name] of norms.entries()) plain.add(name, [hidden], seededValues(hidden, seed));
for (const [seed, [name, rows, columns]] of matrices.entries()) {
  plain.add(name, [rows, columns], seededValues(rows * columns, 10 + seed));
}
const decoder = new RotatedDecoder(plain, 1, 'lm_head.weight', rotation);

describe('RotatedDecoder', () => {
  for (const [name, norm] of [
    [`${at}.self_attn.k_proj.weight`, norms[0]],
    [`${at}.mlp.up_proj.weight`, norms[1]],
    ['lm_head.weight', norms[2]],
  ] as const) {
    it(`computes the same from rotated rows: ${name}`, async () => {
      const row = seededValues(hidden, 3);
      const sizes = plain.values(norm!);
      const scaled = row.map((value, channel) => value * sizes[channel]!);
      rotation.rotate(row);
      const rotated = linear(row, await decoder.read(name), hidden);
      assert.ok(relativeError(rotated, linear(scaled, plain.values(name), hidden)) < 1e-5);
      assert.deepEqual(await decoder.read(norm!), new Float32Array(hidden).fill(1));
    });
  }

  for (const [name, inner] of [
    [`${at}.self_attn.o_proj.weight`, hidden],
    [`${at}.mlp.down_proj.weight`, intermediate],
  ] as const) {
    it(`writes rotated rows: ${name}`, async () => {
      const input = seededValues(inner, 4);
      const expected = linear(input, plain.values(name), inner);
      rotation.rotate(expected);
      assert.ok(relativeError(linear(input, await decoder.read(name), inner), expected) < 1e-5);
    });
  }

  it('gives parts of a tensor, and leaves its source as it was', async () => {
    for (const [name, rows, columns] of matrices) {
      const before = plain.values(name).slice();
      const whole = await decoder.read(name);
      assert.equal(whole.length, rows * columns);
      assert.deepEqual(await decoder.readRows(name, 5, 9), whole.slice(5 * columns, 9 * columns), name);
      assert.deepEqual(plain.values(name), before, name);
    }
  });
});
