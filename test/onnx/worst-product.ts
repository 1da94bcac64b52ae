import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { sessionOptions } from '../../src/backends/onnxruntime/session-options';
import { linearInput, linearLayer } from '../../src/onnx/cpu-linear';
import { GraphBuilder } from '../../src/onnx/graph-builder';
import { writeModel } from '../../src/onnx/write-model';
import { MemoryTensors } from '../model/safetensors/memory-tensors';

/** Terms of each sum, all 1 · 1. */
export const terms = 256;

/** The int8 product whose sums are largest, in a session of this package, or with the runtime's own options. */
export async function worstProduct(
  ownOptions: boolean,
  precision: 'int8' | 'blocks' = 'int8',
): Promise<number> {
  const [rows, outs] = [8, 32];
  const source = new MemoryTensors()
    .add('fc.weight', [outs, terms], new Float32Array(outs * terms).fill(1))
    .add('fc.bias', [outs], new Float32Array(outs));
  const graph = new GraphBuilder('worst', { opsets: { '': 17, 'com.microsoft': 1 } });
  const canvas = { graph, source, precision };
  const input = linearInput(canvas, graph.input('in', 'float32', [rows, terms]));
  graph.op('Neg', [graph.op('Neg', [linearLayer(canvas, input, 'fc')])], { outputs: ['out'] });
  graph.output('out', 'float32', [rows, outs]);
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-worst-'));
  try {
    const path = join(folder, 'worst.onnx');
    await writeModel(graph.build(), path);
    const session = await InferenceSession.create(path, ownOptions ? sessionOptions() : {});
    const { out } = await session.run({
      in: new Tensor('float32', new Float32Array(rows * terms).fill(1), [rows, terms]),
    });
    const values = Float32Array.from(out?.data as Float32Array);
    await session.release();
    return Math.min(...values);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Run by itself, e.g. under an emulator: prints the product with this package's options, the runtime's, and in blocks. */
async function main(): Promise<void> {
  const products = [await worstProduct(true), await worstProduct(false), await worstProduct(true, 'blocks')];
  process.stdout.write(JSON.stringify(products));
}

if (require.main === module) void main();
