import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxDecoderRunner } from '../../../src/backends/onnxruntime/onnx-decoder-runner';
import { decoderGraph } from '../../../src/onnx/decoder/decoder-graph';
import type { DecoderPrecision } from '../../../src/onnx/decoder/decoder-linear';
import { writeModel } from '../../../src/onnx/write-model';
import { cosine } from '../../../src/system/cosine';
import { MemoryTensors, seededValues } from '../../model/safetensors/memory-tensors';

/** Wide enough for a rotated residual stream. */
const text = {
  hiddenSize: 576,
  layers: 3,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  intermediateSize: 192,
  vocabularySize: 300,
  maxPositionEmbeddings: 64,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  hiddenAct: 'silu',
};

/** Random weights, large in one channel of the stream. */
function weights(): MemoryTensors {
  const tensors = new MemoryTensors();
  let seed = 0;
  const matrix = (name: string, rows: number, columns: number): void => {
    const values = seededValues(rows * columns, seed++).map((value) => value / Math.sqrt(columns));
    tensors.add(`${name}.weight`, [rows, columns], values);
  };
  const norm = (name: string): void => {
    const values = seededValues(text.hiddenSize, seed++).map((value) => 1 + value / 2);
    values[100] = 8;
    tensors.add(`${name}.weight`, [text.hiddenSize], values);
  };
  const { hiddenSize, kvHeads, headDim, intermediateSize } = text;
  for (let layer = 0; layer < text.layers; layer++) {
    const at = `text_model.layers.${layer}`;
    norm(`${at}.input_layernorm`);
    norm(`${at}.post_attention_layernorm`);
    matrix(`${at}.self_attn.q_proj`, hiddenSize, hiddenSize);
    for (const name of ['k', 'v']) matrix(`${at}.self_attn.${name}_proj`, kvHeads * headDim, hiddenSize);
    matrix(`${at}.self_attn.o_proj`, hiddenSize, hiddenSize);
    for (const name of ['gate', 'up']) matrix(`${at}.mlp.${name}_proj`, intermediateSize, hiddenSize);
    matrix(`${at}.mlp.down_proj`, hiddenSize, intermediateSize);
  }
  norm('text_model.norm');
  matrix('lm_head', text.vocabularySize, hiddenSize);
  return tensors;
}

describe('decoderGraph', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-decoder-graph-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  /** Logits of five rows at once, then of one more. */
  async function logits(precision: DecoderPrecision): Promise<Float32Array> {
    const path = `${precision}.onnx`;
    await writeModel(decoderGraph(text, false, weights(), precision), join(dir, path));
    const files = [{ path, sizeBytes: 0, sha256: '' }];
    const runner = await OnnxDecoderRunner.open(dir, { format: 'onnx', precision, files }, text, {
      threads: 1,
    });
    try {
      const context = runner.createContext();
      const rows = seededValues(6 * text.hiddenSize, 99);
      rows[100] = 300;
      const prefilled = await context.append(rows.subarray(0, 5 * text.hiddenSize), 'all');
      return Float32Array.of(...prefilled, ...(await context.append(rows.subarray(5 * text.hiddenSize))));
    } finally {
      await runner.close();
    }
  }

  it('computes what float32 computes with a rotated stream, and a large first row does not disturb the others', async () => {
    const [expected, found] = [await logits('float32'), await logits('int8')];
    for (let row = 0; row < 6; row++) {
      const [begin, end] = [row * text.vocabularySize, (row + 1) * text.vocabularySize];
      const agreement = cosine(found.subarray(begin, end), expected.subarray(begin, end));
      assert.ok(agreement > 0.999, `row ${row}: ${agreement}`);
    }
  });
});
