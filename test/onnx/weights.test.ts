import assert from 'node:assert/strict';
import { blockFormats, blockWeight } from '../../src/onnx/block-weights';
import { GraphBuilder, type StreamedTensor } from '../../src/onnx/graph-builder';
import { int8Weight } from '../../src/onnx/int8-weights';
import { float32Weight, rowBlocks, transposedFloat32Weight } from '../../src/onnx/weights';
import { cosine } from '../cosine';
import { MemoryTensors, seededValues } from '../model/safetensors/memory-tensors';
import { linear, runGraph } from './run-graph';

async function bytes(tensor: StreamedTensor): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of tensor.chunks()) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

async function floats(tensor: StreamedTensor): Promise<Float32Array> {
  const all = await bytes(tensor);
  return new Float32Array(Uint8Array.from(all).buffer);
}

describe('weights', () => {
  // Not multiples of the transposition block (32) nor of the 4-bit block (32).
  const [rows, columns] = [70, 45];
  const w = seededValues(rows * columns, 1);
  const source = new MemoryTensors().add('w', [rows, columns], w);

  it('transposes any shape', async () => {
    const turned = await floats(transposedFloat32Weight(source, 'w'));
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        assert.equal(turned[column * rows + row], w[row * columns + column]);
      }
    }
  });

  it('keeps a tensor without changing it', async () => {
    assert.deepEqual(await floats(float32Weight(source, 'w')), w);
  });

  it('reads a large matrix in blocks that cover every row once', async () => {
    const large = new MemoryTensors().add('w', [5000, 1024], new Float32Array(5000 * 1024));
    let next = 0;
    let blocks = 0;
    for await (const { begin, end, values } of rowBlocks(large, 'w')) {
      assert.equal(begin, next);
      assert.equal(values.length, (end - begin) * 1024);
      next = end;
      blocks++;
    }
    assert.equal(next, 5000);
    assert.ok(blocks > 1);
  });

  for (const range of [64, 127] as const) {
    it(`quantises to int8 within half a step of each channel, magnitudes up to ${range}`, async () => {
      const { quantised, scale } = int8Weight(source, 'w', range);
      const steps = new Int8Array(Uint8Array.from(await bytes(quantised)).buffer);
      const scales = await floats(scale);
      for (let row = 0; row < rows; row++) {
        const channel = Array.from({ length: columns }, (_, column) => steps[column * rows + row]!);
        assert.equal(Math.max(...channel.map(Math.abs)), range);
        for (const [column, step] of channel.entries()) {
          const error = Math.abs(step * scales[row]! - w[row * columns + column]!);
          assert.ok(error <= scales[row]! * 0.5001, `row ${row}, column ${column}: ${error}`);
        }
      }
    });
  }

  it('cannot saturate two u8 × s8 products in int16 in the reduced range', async () => {
    const { quantised } = int8Weight(source, 'w', 64);
    const steps = new Int8Array(Uint8Array.from(await bytes(quantised)).buffer);
    const largest = steps.reduce((most, step) => Math.max(most, Math.abs(step)), 0);
    assert.ok(2 * 255 * largest <= 32767);
  });

  it('quantises a channel of zeros to zeros', async () => {
    const zeros = new MemoryTensors().add('w', [1, 32], new Float32Array(32));
    const { quantised, scale } = int8Weight(zeros, 'w', 64);
    assert.deepEqual([...(await bytes(quantised))], new Array(32).fill(0));
    assert.deepEqual(await floats(scale), Float32Array.of(1));
    const blocks = blockWeight(zeros, 'w', blockFormats.small);
    assert.deepEqual([...(await bytes(blocks.packed))], new Array(16).fill(0x88));
    assert.deepEqual(await floats(blocks.scales), Float32Array.of(0));
  });

  for (const [name, least] of [
    ['small', 0.99],
    ['fine', 0.9999],
    ['wide', 0.9999],
  ] as const) {
    it(`packs blocks of the format "${name}" as MatMulNBits reads them`, async () => {
      const { bits, size } = blockFormats[name];
      const { packed, scales, zeroPoints } = blockWeight(source, 'w', blockFormats[name]);
      const graph = new GraphBuilder('blocks', { opsets: { '': 17, 'com.microsoft': 1 } });
      graph.input('in', 'float32', [4, columns]);
      const weights = [
        graph.weight('w', packed),
        graph.weight('scales', scales),
        ...(zeroPoints ? [graph.weight('zero_points', zeroPoints)] : []),
      ];
      graph.node('MatMulNBits', ['in', ...weights], {
        domain: 'com.microsoft',
        attributes: { K: { int: columns }, N: { int: rows }, bits: { int: bits }, block_size: { int: size } },
        outputs: ['out'],
      });
      graph.output('out', 'float32', [4, rows]);
      const x = seededValues(4 * columns, 2);
      const out = await runGraph(graph.build(), x, [4, columns]);
      assert.ok(cosine(out, linear(x, w, columns)) > least);
      const unpacked = (all: readonly number[]): number[] =>
        bits === 8 ? [...all] : all.flatMap((byte) => [byte & 15, byte >> 4]);
      const steps = unpacked([...(await bytes(packed))]);
      const zeros = zeroPoints && unpacked([...(await bytes(zeroPoints))]);
      const blocks = Math.ceil(columns / size);
      const blockScales = await floats(scales);
      const restored = w.map((_, index) => {
        const [row, column] = [Math.floor(index / columns), index % columns];
        const block = row * blocks + Math.floor(column / size);
        return (steps[row * blocks * size + column]! - (zeros ? zeros[block]! : 128)) * blockScales[block]!;
      });
      assert.ok(cosine(out, linear(x, restored, columns)) > 0.999999);
    });
  }

  it('rounds 4-bit blocks with less error than steps that span the block', async () => {
    const { packed, scales, zeroPoints } = blockWeight(source, 'w', blockFormats.small);
    assert.ok(zeroPoints);
    const nibbles = (all: Buffer): number[] => [...all].flatMap((byte) => [byte & 15, byte >> 4]);
    const [steps, zeros] = [nibbles(await bytes(packed)), nibbles(await bytes(zeroPoints))];
    const blockScales = await floats(scales);
    let [found, spanned] = [0, 0];
    for (let row = 0; row < rows; row++) {
      for (let block = 0; block < 2; block++) {
        const begin = row * columns + 32 * block;
        const values = w.subarray(begin, Math.min(begin + 32, (row + 1) * columns));
        const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
        const [span, zero] = [(high - low) / 15, zeros[2 * row + block]!];
        const spanZero = Math.round(-low / span);
        for (const [index, value] of values.entries()) {
          const step = steps[row * 64 + 32 * block + index]!;
          found += (value - (step - zero) * blockScales[2 * row + block]!) ** 2;
          const nearest = Math.max(0, Math.min(15, Math.round(value / span) + spanZero));
          spanned += (value - (nearest - spanZero) * span) ** 2;
        }
      }
    }
    assert.ok(found < 0.95 * spanned, `${found / spanned}`);
  });
});
