import { JsonFields, type JsonObject } from '../../system/json/json-fields';
import { CheckpointError } from '../safetensors/checkpoint-error';

/** The vision tower's sizes (`vision_config`). */
export interface VisionConfig {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Side of a tile in pixels. */
  readonly imageSize: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  readonly channels: number;
  readonly layerNormEps: number;
  /** The checkpoint's name of the function, e.g. `gelu_pytorch_tanh`. */
  readonly hiddenAct: string;
}

/** The Llama decoder's sizes (`text_config`). */
export interface TextConfig {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Longest context in tokens. */
  readonly maxPositionEmbeddings: number;
  readonly hiddenAct: string;
}

/** The parts of `config.json` and `generation_config.json` that are used. */
export interface ModelConfig {
  readonly modelType: 'idefics3' | 'smolvlm';
  readonly vision: VisionConfig;
  readonly text: TextConfig;
  /** Side of the pixel shuffle's square: scaleFactor² patches become one image token. */
  readonly scaleFactor: number;
  readonly imageTokenId: number;
  /** Generation ends at any of these; empty when the checkpoint has none. */
  readonly eosTokenIds: readonly number[];
  /** The head is the token embedding; there is no `lm_head.weight`. */
  readonly tieWordEmbeddings: boolean;
}

/** Patches along a tile's side, e.g. 32; pixels beyond the last whole patch are not used. */
function patchesPerSide({ vision }: ModelConfig): number {
  return Math.floor(vision.imageSize / vision.patchSize);
}

/** Patches per tile, e.g. 1024: the vision tower's tokens. */
export function patchesPerTile(config: ModelConfig): number {
  return patchesPerSide(config) ** 2;
}

/** Prompt rows per tile, e.g. 64. */
export function imageTokensPerTile(config: ModelConfig): number {
  return (patchesPerSide(config) / config.scaleFactor) ** 2;
}

/**
 * Keys that are absent have the defaults of transformers' `Idefics3Config`, `Idefics3VisionConfig` and
 * `LlamaConfig`; the end-of-text tokens are the generation config's, else the model's, as in `generate()`.
 * @param where file name for errors @throws CheckpointError `checkpoint-config` naming key and value
 */
export function parseModelConfig(
  config: JsonObject,
  generationConfig: JsonObject = {},
  where = 'config.json',
): ModelConfig {
  const fault = (message: string): CheckpointError =>
    new CheckpointError('checkpoint-config', `${where}: ${message}`, {
      hint: 'Checkpoints of the Idefics3 / SmolVLM family are supported, e.g. HuggingFaceTB/SmolVLM-256M-Instruct.',
    });
  const fields = new JsonFields(config, fault);
  const modelType = fields.oneOf('model_type', ['idefics3', 'smolvlm']);
  const text = fields.child('text_config', true);
  const parsed: ModelConfig = {
    modelType,
    vision: parseVision(fields.child('vision_config', true)),
    text: parseText(text, fields.has('text_config') ? 1e-6 : 1e-5),
    scaleFactor: fields.count('scale_factor', 2),
    imageTokenId: fields.index('image_token_id', 128257),
    eosTokenIds: eosTokenIds([new JsonFields(generationConfig, fault), fields, text]),
    // transformers reads the decoder's flag; the top level's has no effect.
    tieWordEmbeddings: text.boolean('tie_word_embeddings', false),
  };
  checkSizes(parsed, fault);
  return parsed;
}

function parseVision(fields: JsonFields): VisionConfig {
  return {
    hiddenSize: fields.count('hidden_size', 1152),
    layers: fields.count('num_hidden_layers', 12),
    heads: fields.count('num_attention_heads', 16),
    intermediateSize: fields.count('intermediate_size', 3072),
    imageSize: fields.count('image_size', 224),
    patchSize: fields.count('patch_size', 32),
    channels: fields.count('num_channels', 3),
    layerNormEps: fields.positive('layer_norm_eps', 1e-6),
    hiddenAct: fields.string('hidden_act', 'gelu_pytorch_tanh'),
  };
}

/** @throws for a decoder that is not a plain Llama: no other positions, biases or norms are built */
function parseText(fields: JsonFields, defaultEps: number): TextConfig {
  if (fields.string('model_type', 'llama') !== 'llama') throw fields.wrong('model_type', '"llama"');
  for (const key of ['attention_bias', 'mlp_bias', 'qk_layer_norms', 'rope_interleaved', 'use_resampler']) {
    if (fields.boolean(key, false)) throw fields.wrong(key, 'false');
  }
  const scaling = fields.child('rope_scaling', true);
  const scalingType = scaling.raw('rope_type') ?? scaling.raw('type');
  if (fields.has('rope_scaling') && scalingType !== 'default') {
    throw fields.wrong('rope_scaling', 'null or the rope_type "default"');
  }
  // transformers 5 moved rope_theta here.
  const rope = fields.child('rope_parameters', true);
  if (rope.string('rope_type', 'default') !== 'default') throw rope.wrong('rope_type', '"default"');
  const hiddenSize = fields.count('hidden_size', 4096);
  const heads = fields.count('num_attention_heads', 32);
  return {
    hiddenSize,
    layers: fields.count('num_hidden_layers', 32),
    heads,
    kvHeads: fields.count('num_key_value_heads', heads),
    headDim: fields.count('head_dim', Math.floor(hiddenSize / heads)),
    intermediateSize: fields.count('intermediate_size', 11008),
    vocabularySize: fields.count('vocab_size', 32000),
    rmsNormEps: fields.positive('rms_norm_eps', defaultEps),
    ropeTheta: fields.positive('rope_theta', rope.positive('rope_theta', 10000)),
    maxPositionEmbeddings: fields.count('max_position_embeddings', 2048),
    hiddenAct: fields.string('hidden_act', 'silu'),
  };
}

/** From the first source that has any. */
function eosTokenIds(sources: readonly JsonFields[]): readonly number[] {
  for (const fields of sources) {
    const value = fields.raw('eos_token_id');
    if (value === undefined) continue;
    const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (!ids.every((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0)) {
      throw fields.wrong('eos_token_id', 'a token id or a list of them');
    }
    return ids;
  }
  return [];
}

function checkSizes({ vision, text, scaleFactor }: ModelConfig, fault: (message: string) => Error): void {
  const divides = (whole: number, wholeName: string, part: number, partName: string): void => {
    if (whole % part !== 0) {
      throw fault(`${wholeName}: expected a multiple of ${partName} (${part}), received ${whole}`);
    }
  };
  const patches = Math.floor(vision.imageSize / vision.patchSize);
  if (patches === 0) {
    throw fault(
      `vision_config.patch_size: expected at most ${vision.imageSize}, received ${vision.patchSize}`,
    );
  }
  divides(patches, 'patches along a tile', scaleFactor, 'scale_factor');
  divides(vision.hiddenSize, 'vision_config.hidden_size', vision.heads, 'num_attention_heads');
  divides(text.heads, 'text_config.num_attention_heads', text.kvHeads, 'num_key_value_heads');
  divides(text.headDim, 'text_config.head_dim', 2, 'the rotary pair');
}
