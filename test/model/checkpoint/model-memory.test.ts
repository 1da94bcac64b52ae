import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModelConfigs } from '../../../src/model/checkpoint/checkpoint';
import type { ModelConfig } from '../../../src/model/checkpoint/model-config';
import { hubBytes, modelMemory, smallestHub } from '../../../src/model/checkpoint/model-memory';
import { parameterCount, requiredTensors } from '../../../src/model/checkpoint/required-tensors';
import { demoModelFolder } from '../../../src/model/hub/resolve-model';
import { blockFormats } from '../../../src/onnx/block-weights';
import { type DecoderWeights, headWeights, layerWeights } from '../../../src/onnx/decoder/decoder-linear';
import { fixture, repositoryRoot } from '../../fixtures';

/** Of the decoder's weights and norms, as its graph stores them. */
function storedBytes(config: ModelConfig, precision: 'int8' | 'int4'): number {
  const { text } = config;
  const bytesEach = (weights: DecoderWeights): number => {
    if (weights === 'float32') return 4;
    const { bits, size, zeroPoints } = blockFormats[weights];
    return bits / 8 + (4 + (zeroPoints ? bits / 8 : 0)) / size;
  };
  const weightsOf = (name: string): DecoderWeights => {
    const layer = /layers\.(\d+)\./.exec(name)?.[1];
    if (layer === undefined) return layerWeights(precision, 0, text).others;
    const { gateUp, others } = layerWeights(precision, Number(layer), text);
    return /gate_proj|up_proj/.test(name) ? gateUp : others;
  };
  const decoder = requiredTensors(config).filter(({ name }) => /^text_model\.(layers|norm)/.test(name));
  const head = text.vocabularySize * text.hiddenSize * bytesEach(headWeights(precision, text));
  return decoder.reduce(
    (sum, tensor) => sum + parameterCount([tensor]) * bytesEach(weightsOf(tensor.name)),
    head,
  );
}

describe('modelMemory', () => {
  async function memoryOf(folder: string) {
    return modelMemory((await readModelConfigs(folder)).config);
  }

  it('counts the parameters that the hub shows', async () => {
    const counts: readonly [string, number][] = [
      [fixture('goldens', 'smolvlm-256m'), 256_484_928],
      [fixture('sizes', 'smolvlm-500m'), 507_482_304],
      [fixture('sizes', 'smolvlm-2.2b'), 2_246_272_880],
    ];
    for (const [folder, expected] of counts) assert.equal((await memoryOf(folder)).parameters, expected);
  });

  it('is near the peak measured on a CPU: 689 MB for SmolVLM-256M in int8 with 875 tokens', async () => {
    const bytes = hubBytes(await memoryOf(fixture('goldens', 'smolvlm-256m')), 'all on the CPU', 875);
    assert.ok(Math.abs(bytes / 689e6 - 1) < 0.1, `${bytes}`);
  });

  it('counts the decoder in the formats that its graph stores', async () => {
    for (const place of [
      ['goldens', 'smolvlm-256m'],
      ['sizes', 'smolvlm-500m'],
      ['sizes', 'smolvlm-2.2b'],
      ['goldens', 'tiny-idefics3'],
    ] as const) {
      const { config } = await readModelConfigs(fixture(...place));
      for (const precision of ['int8', 'int4'] as const) {
        const estimate = modelMemory(config).decoderBytes[precision];
        assert.equal(
          Math.round(estimate),
          Math.round(storedBytes(config, precision)),
          `${place} ${precision}`,
        );
      }
    }
  });

  it('grows with the context, and names the smallest hub that has room beside its system', async () => {
    const memory = await memoryOf(fixture('sizes', 'smolvlm-2.2b'));
    assert.equal(memory.contextBytesPerToken, 2 * 4 * 24 * 32 * 64);
    assert.ok(hubBytes(memory, 'all on the CPU', 2000) > hubBytes(memory, 'all on the CPU', 1000));
    assert.deepEqual(
      [smallestHub(0.6e9), smallestHub(2e9), smallestHub(8e9), smallestHub(1e12)],
      [2, 4, 16, undefined],
    );
    assert.ok((await memoryOf(demoModelFolder)).bundleBytes < 50e6);
  });

  it('is what README’s table says', async () => {
    const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
    for (const [name, ...place] of [
      ['SmolVLM-256M, SmolVLM2-256M', 'goldens', 'smolvlm-256m'],
      ['SmolVLM-500M, SmolVLM2-500M', 'sizes', 'smolvlm-500m'],
      ['SmolVLM 2.2B', 'sizes', 'smolvlm-2.2b'],
      ['SmolVLM2-2.2B', 'sizes', 'smolvlm2-2.2b'],
      ['Idefics3-8B', 'sizes', 'idefics3-8b'],
    ] as const) {
      const memory = await memoryOf(fixture(...place));
      const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
      const [npu, cpu] = (['vision on the NPU', 'all on the CPU'] as const).map((use) => {
        const bytes = hubBytes(memory, use, 1000);
        return `${gigabytes(bytes)} GB → ${smallestHub(bytes)} GB`;
      });
      const context = `${Math.round((memory.contextBytesPerToken * 1000) / 1e6)} MB`;
      const row = `| ${name} | ${gigabytes(memory.visionNpuBytes)} GB | ${gigabytes(memory.decoderBytes.int8)} GB | ${context} | ${npu} | ${cpu} |`;
      assert.ok(readme.includes(row), `README lacks: ${row}`);
    }
  });
});
