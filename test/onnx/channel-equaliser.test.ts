import assert from 'node:assert/strict';
import { ChannelEqualiser } from '@rk3588/node-red-smolvlm/patterns';
import { seededValues } from '../model/safetensors/memory-tensors';

const [outs, channels] = [20, 12];
const weight = seededValues(outs * channels, 1);
const activations = seededValues(channels, 2).map((value) => 1 + Math.abs(value));

function factorsOf(sizes: ArrayLike<number>, ...layers: readonly Float32Array[]): Float32Array {
  const equaliser = new ChannelEqualiser(sizes);
  for (const layer of layers) equaliser.add(layer);
  return equaliser.factors();
}

describe('ChannelEqualiser', () => {
  it('keeps the function in double precision', () => {
    const factors = factorsOf(activations, weight);
    const x = Float64Array.from(seededValues(channels, 3));
    for (let row = 0; row < outs; row++) {
      const columns = weight.subarray(row * channels, (row + 1) * channels);
      const plain = columns.reduce((sum, value, channel) => sum + value * x[channel]!, 0);
      const equalised = columns.reduce(
        (sum, value, channel) => sum + value * factors[channel]! * (x[channel]! / factors[channel]!),
        0,
      );
      assert.ok(Math.abs(equalised - plain) < 1e-14, `row ${row}`);
    }
  });

  for (const [what, sizes] of [
    ['a number of channels instead of their sizes', 12 as never],
    ['no sizes', []],
    ['sizes of other channels', activations.slice(0, 7)],
  ] as const) {
    it(`refuses rows for ${what}`, () => {
      assert.throws(() => factorsOf(sizes, weight), { code: 'onnx-constant-size' });
    });
  }

  it('divides an outlier channel by its factor, and leaves the other channels alone', () => {
    const [outlier, factor] = [4, 32];
    const spread = weight.map((value, index) => (index % channels === outlier ? value / factor : value));
    const sizes = activations.map((size, channel) => (channel === outlier ? size * factor : size));
    for (const strength of [0, 0.5, 1]) {
      const factorsFor = (given: ArrayLike<number>, rows: Float32Array) => {
        const equaliser = new ChannelEqualiser(given);
        equaliser.add(rows);
        return equaliser.factors(strength);
      };
      const plain = factorsFor(activations, weight);
      const expected = plain.map((value, channel) => (channel === outlier ? value * factor : value));
      assert.deepEqual(factorsFor(sizes, spread), expected, `strength ${strength}`);
    }
  });

  it('gives all columns of the weights one size with strength 0', () => {
    const equaliser = new ChannelEqualiser(activations);
    equaliser.add(weight);
    const factors = equaliser.factors(0);
    const equalised = weight.map((value, index) => value * factors[index % channels]!);
    const rows = Array.from({ length: outs }, (_, row) =>
      Math.hypot(
        ...weight
          .subarray(row * channels, (row + 1) * channels)
          .map((value, channel) => value * activations[channel]!),
      ),
    );
    for (let channel = 0; channel < channels; channel++) {
      const size = Math.hypot(...rows.map((output, row) => equalised[row * channels + channel]! / output));
      assert.ok(Math.abs(size - 1) < 1e-6, `channel ${channel}: ${size}`);
    }
  });

  it('does not depend on the size of a row, nor on how rows are divided over layers', () => {
    const larger = weight.map((value, index) => (index < channels ? value * 1024 : value));
    const expected = factorsOf(activations, weight);
    assert.deepEqual(factorsOf(activations, larger), expected);
    const cut = 7 * channels;
    assert.deepEqual(factorsOf(activations, weight.subarray(0, cut), weight.subarray(cut)), expected);
  });

  it('gives 1 for a channel that is never produced, and for one that is never read', () => {
    const sizes = activations.map((size, channel) => (channel === 0 ? 0 : size));
    const unread = weight.map((value, index) => (index % channels === 1 ? 0 : value));
    const factors = factorsOf(sizes, unread);
    assert.equal(factors[0], 1);
    assert.equal(factors[1], 1);
  });
});
