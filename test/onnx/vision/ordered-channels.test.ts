import assert from 'node:assert/strict';
import type { TensorSource } from '../../../src/model/safetensors/tensor-source';
import { highestOutputs, OrderedChannels } from '../../../src/onnx/vision/ordered-channels';

const [inner, channels, outer] = [4, 40, 3];
const tensors: Record<string, { readonly shape: readonly number[]; readonly values: Float32Array }> = {
  'norm.weight': { shape: [inner], values: Float32Array.of(1, 0.5, 2, 1) },
  'norm.bias': { shape: [inner], values: Float32Array.of(0, 1, 0, -1) },
  'fc1.weight': { shape: [channels, inner], values: wave(channels * inner, 1) },
  'fc1.bias': { shape: [channels], values: wave(channels, 2).map((value, at) => (at === 37 ? 50 : value)) },
  'fc2.weight': { shape: [outer, channels], values: wave(outer * channels, 3) },
  'fc2.bias': { shape: [outer], values: wave(outer, 4) },
};
const source: TensorSource = {
  shape: (name) => tensors[name]?.shape ?? [],
  read: async (name) => tensors[name]?.values ?? new Float32Array(),
  readRows: async (name, begin, end) => {
    const width = (tensors[name]?.shape[1] ?? 1) as number;
    return (tensors[name]?.values ?? new Float32Array()).slice(begin * width, end * width);
  },
};

function wave(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => Math.sin(index * 1.7 + seed));
}

async function linear(from: TensorSource, name: string, input: readonly number[], biased = true) {
  const [weight, bias] = [await from.read(`${name}.weight`), await from.read(`${name}.bias`)];
  const rows = from.shape(`${name}.weight`)[0] ?? 0;
  return Array.from({ length: rows }, (_, row) =>
    input.reduce(
      (sum, value, column) => sum + value * (weight[row * input.length + column] as number),
      biased ? (bias[row] as number) : 0,
    ),
  );
}

describe('OrderedChannels', () => {
  const active = (values: readonly number[]) => values.map((value) => Math.max(0, value) ** 2);
  const pair = { producer: 'fc1', consumer: 'fc2' };
  const ordered = () => new OrderedChannels(source, pair, () => highestOutputs(source, 'norm', 'fc1'));

  it('computes what the two layers compute', async () => {
    const both = async (from: TensorSource) =>
      linear(from, 'fc2', active(await linear(from, 'fc1', [0.3, -1, 2, 0.7])));
    const [expected, computed] = [await both(source), await both(ordered())];
    for (const [row, value] of expected.entries())
      assert.ok(Math.abs(value - (computed[row] as number)) < 1e-9 * Math.abs(value));
  });

  it('puts the channels that may become largest first', async () => {
    const sizes = await highestOutputs(source, 'norm', 'fc1');
    const largest = [...sizes.keys()].sort((one, other) => (sizes[other] ?? 0) - (sizes[one] ?? 0));
    assert.equal(largest[0], 37);
    const biases = tensors['fc1.bias']?.values ?? [];
    assert.deepEqual(
      [...(await ordered().read('fc1.bias'))],
      largest.map((channel) => biases[channel]),
    );
  });

  it('reads any rows, and other tensors unchanged', async () => {
    for (const name of ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias', 'norm.bias']) {
      const width = source.shape(name)[1] ?? 1;
      const whole = await ordered().read(name);
      assert.deepEqual(await ordered().readRows(name, 1, 3), whole.slice(width, 3 * width));
    }
    for (const name of ['fc2.bias', 'norm.bias'])
      assert.deepEqual(await ordered().read(name), await source.read(name));
  });
});
