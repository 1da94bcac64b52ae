import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseImageProcessorConfig } from '../../../src/model/checkpoint/image-processor-config';
import {
  imageTokensPerTile,
  parseModelConfig,
  patchesPerTile,
} from '../../../src/model/checkpoint/model-config';
import { parameterCount, requiredTensors } from '../../../src/model/checkpoint/required-tensors';
import type { JsonObject } from '../../../src/system/json/json-fields';
import { fixture } from '../../fixtures';

function real(name: string): JsonObject {
  return JSON.parse(readFileSync(fixture('goldens', 'smolvlm-256m', name), 'utf8'));
}

/** The real config with one key of `text_config` or `vision_config` changed. */
function changed(part: string, key: string, value: unknown): JsonObject {
  const config = real('config.json');
  return { ...config, [part]: { ...(config[part] as object), [key]: value } };
}

describe('parseModelConfig', () => {
  it('reads SmolVLM-256M-Instruct', () => {
    const config = parseModelConfig(real('config.json'), real('generation_config.json'));
    assert.deepEqual(config, {
      modelType: 'idefics3',
      vision: {
        hiddenSize: 768,
        layers: 12,
        heads: 12,
        intermediateSize: 3072,
        imageSize: 512,
        patchSize: 16,
        channels: 3,
        layerNormEps: 1e-6,
        hiddenAct: 'gelu_pytorch_tanh',
      },
      text: {
        hiddenSize: 576,
        layers: 30,
        heads: 9,
        kvHeads: 3,
        headDim: 64,
        intermediateSize: 1536,
        vocabularySize: 49280,
        rmsNormEps: 1e-5,
        ropeTheta: 100000,
        maxPositionEmbeddings: 8192,
        hiddenAct: 'silu',
      },
      scaleFactor: 4,
      imageTokenId: 49190,
      eosTokenIds: [49279],
      tieWordEmbeddings: false,
    });
    assert.equal(patchesPerTile(config), 1024);
    assert.equal(imageTokensPerTile(config), 64);
    const tensors = requiredTensors(config);
    assert.equal(tensors.length, 471);
    assert.equal(parameterCount(tensors), 256_484_928);
  });

  it('fills absent keys with the defaults of transformers', () => {
    const config = parseModelConfig({
      model_type: 'smolvlm',
      vision_config: { image_size: 384, patch_size: 16 },
      text_config: { num_attention_heads: 16, hidden_size: 512 },
      scale_factor: 3,
    });
    assert.equal(config.vision.hiddenSize, 1152);
    assert.equal(config.vision.heads, 16);
    assert.equal(config.text.kvHeads, 16);
    assert.equal(config.text.headDim, 32);
    assert.equal(config.text.rmsNormEps, 1e-6);
    assert.equal(config.text.ropeTheta, 10000);
    assert.deepEqual(config.eosTokenIds, []);
  });

  it('takes the end-of-text tokens from the generation config, else from the model', () => {
    const config = real('config.json');
    assert.deepEqual(parseModelConfig(config, { eos_token_id: [5, 6] }).eosTokenIds, [5, 6]);
    assert.deepEqual(parseModelConfig(config).eosTokenIds, [2]);
    assert.deepEqual(parseModelConfig({ ...config, eos_token_id: 9 }).eosTokenIds, [9]);
  });

  it('reads the rotary base where transformers 5 writes it', () => {
    const text = { ...(real('config.json').text_config as object), rope_theta: undefined };
    const rope_parameters = { rope_theta: 5e5, rope_type: 'default' };
    const config = { ...real('config.json'), text_config: { ...text, rope_parameters } };
    assert.equal(parseModelConfig(config).text.ropeTheta, 5e5);
  });

  it('ties the head by the decoder’s flag alone, like transformers', () => {
    for (const tie_word_embeddings of [true, false, undefined]) {
      const tied = { ...changed('text_config', 'tie_word_embeddings', true), tie_word_embeddings };
      assert.equal(parseModelConfig(tied).tieWordEmbeddings, true);
      for (const flag of [false, undefined]) {
        const untied = { ...changed('text_config', 'tie_word_embeddings', flag), tie_word_embeddings };
        assert.equal(parseModelConfig(untied).tieWordEmbeddings, false);
      }
    }
  });

  it('accepts rope_scaling of the type "default", by its old and its new name', () => {
    for (const scaling of [null, { rope_type: 'default' }, { type: 'default' }]) {
      assert.equal(parseModelConfig(changed('text_config', 'rope_scaling', scaling)).text.ropeTheta, 100000);
    }
  });

  it('cuts off pixels that do not fill a patch, like SmolVLM 2.2B’s 384 by 14', () => {
    const config = parseModelConfig({
      ...real('config.json'),
      vision_config: { image_size: 384, patch_size: 14 },
      scale_factor: 3,
    });
    assert.deepEqual([patchesPerTile(config), imageTokensPerTile(config)], [27 ** 2, 9 ** 2]);
  });

  for (const [part, key, value, words] of [
    ['text_config', 'hidden_size', 0, /text_config.hidden_size: expected a whole number above 0, received 0/],
    ['text_config', 'model_type', 'mistral', /text_config.model_type: expected "llama", received "mistral"/],
    [
      'text_config',
      'rope_scaling',
      { factor: 2 },
      /text_config.rope_scaling: expected null or the rope_type "default", received {"factor":2}/,
    ],
    ['text_config', 'attention_bias', true, /text_config.attention_bias: expected false, received true/],
    [
      'text_config',
      'num_key_value_heads',
      2,
      /num_attention_heads: expected a multiple .* \(2\), received 9/,
    ],
    ['vision_config', 'patch_size', 513, /vision_config.patch_size: expected at most 512, received 513/],
    ['vision_config', 'patch_size', 256, /patches along a tile: expected a multiple of scale_factor/],
    ['vision_config', 'layer_norm_eps', 'tiny', /vision_config.layer_norm_eps: expected a number above 0/],
  ] as const) {
    it(`refuses ${part}.${key} = ${JSON.stringify(value)}, naming both`, () => {
      const fault = { code: 'checkpoint-config', message: words };
      assert.throws(() => parseModelConfig(changed(part, key, value)), fault);
    });
  }

  it('refuses another family', () => {
    assert.throws(() => parseModelConfig({ model_type: 'llava' }), {
      code: 'checkpoint-config',
      message: /model_type: expected "idefics3" or "smolvlm", received "llava"/,
      hint: /SmolVLM/,
    });
  });
});

describe('parseImageProcessorConfig', () => {
  it('reads SmolVLM-256M-Instruct', () => {
    assert.deepEqual(parseImageProcessorConfig(real('preprocessor_config.json')), {
      longestEdge: 2048,
      maxImageSize: 512,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      rescaleFactor: 1 / 255,
      doImageSplitting: true,
      resample: 1,
    });
  });

  it('refuses a filter that is not Lanczos and a mean that is not three numbers', () => {
    assert.throws(
      () => parseImageProcessorConfig({ resample: 3 }),
      /resample: expected 1 \(Lanczos\), received 3/,
    );
    assert.throws(
      () => parseImageProcessorConfig({ image_mean: [0.5] }),
      /image_mean: expected three numbers/,
    );
    assert.throws(
      () => parseImageProcessorConfig({ image_std: [0, 1, 1] }),
      /image_std: .*received \[0,1,1\]/,
    );
  });
});
