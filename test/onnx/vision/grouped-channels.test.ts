import assert from 'node:assert/strict';
import type { TensorSource } from '../../../src/model/safetensors/tensor-source';
import { GroupedChannels, highestOutputs } from '../../../src/onnx/vision/grouped-channels';

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

describe('GroupedChannels', () => {
  const active = (values: readonly number[]) => values.map((value) => Math.max(0, value) ** 2);
  const split = () => {
    const grouped = new GroupedChannels(source);
    const sizes = () => highestOutputs(source, 'norm', 'fc1');
    return { grouped, parts: grouped.split({ producer: 'fc1', consumer: 'fc2' }, 0.3, sizes) };
  };

  it('computes in two parts what the two layers compute', async () => {
    const input = [0.3, -1, 2, 0.7];
    const { grouped, parts } = split();
    const sums = new Array<number>(outer).fill(0);
    for (const [index, { producer, consumer }] of parts.entries()) {
      const wide = active(await linear(grouped, producer, input));
      const part = await linear(grouped, consumer, wide, index === 0);
      for (const [row, value] of part.entries()) sums[row] = (sums[row] as number) + value;
    }
    const expected = await linear(source, 'fc2', active(await linear(source, 'fc1', input)));
    for (const [row, value] of expected.entries())
      assert.ok(Math.abs(value - (sums[row] as number)) < 1e-9 * Math.abs(value));
  });

  it('puts the channels that may become largest into the first part', async () => {
    const { grouped, parts } = split();
    const [first, rest] = await Promise.all(parts.map(({ producer }) => grouped.read(`${producer}.bias`)));
    assert.deepEqual([first?.length, rest?.length], [16, 24]);
    assert.equal(first?.[0], 50);
  });

  it('reads any rows of a part', async () => {
    const { grouped } = split();
    for (const name of ['fc1.1.weight', 'fc1.0.bias', 'fc2.1.weight']) {
      const width = grouped.shape(name)[1] ?? 1;
      const whole = await grouped.read(name);
      assert.deepEqual(await grouped.readRows(name, 1, 3), whole.slice(width, 3 * width));
    }
  });

  it('leaves all channels in one part where there are few', () => {
    const grouped = new GroupedChannels({ ...source, shape: () => [16, 4] });
    const sizes = async () => new Float32Array(16);
    assert.equal(grouped.split({ producer: 'fc1', consumer: 'fc2' }, 0.1, sizes).length, 1);
  });
});
