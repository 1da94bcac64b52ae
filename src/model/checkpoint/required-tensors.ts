import { type ModelConfig, patchesPerTile } from './model-config';

/** A tensor that the architecture needs, by its canonical name (without `model.`). */
export interface RequiredTensor {
  readonly name: string;
  /** Outermost first; [out, in] for a linear layer. */
  readonly shape: readonly number[];
}

/**
 * Every tensor of the checkpoint that is used, in the model's own order: vision tower, connector, decoder,
 * head (absent when it is tied to the token embedding).
 */
export function requiredTensors(config: ModelConfig): readonly RequiredTensor[] {
  const { vision, text, scaleFactor } = config;
  const connector = {
    name: 'connector.modality_projection.proj.weight',
    shape: [text.hiddenSize, vision.hiddenSize * scaleFactor ** 2],
  };
  const head = { name: 'lm_head.weight', shape: [text.vocabularySize, text.hiddenSize] };
  return [
    ...visionTensors(config),
    connector,
    ...textTensors(config),
    ...(config.tieWordEmbeddings ? [] : [head]),
  ];
}

/** Number of weights in all tensors. */
export function parameterCount(tensors: readonly RequiredTensor[]): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

function visionTensors(config: ModelConfig): RequiredTensor[] {
  const { hiddenSize, layers, intermediateSize, channels, patchSize } = config.vision;
  const norm = (name: string): RequiredTensor[] => withBias(name, [hiddenSize]);
  const linear = (name: string, to: number, from: number): RequiredTensor[] => withBias(name, [to, from]);
  const tensors: RequiredTensor[] = [
    ...withBias('vision_model.embeddings.patch_embedding', [hiddenSize, channels, patchSize, patchSize]),
    {
      name: 'vision_model.embeddings.position_embedding.weight',
      shape: [patchesPerTile(config), hiddenSize],
    },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const at = `vision_model.encoder.layers.${layer}`;
    tensors.push(
      ...norm(`${at}.layer_norm1`),
      ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((name) =>
        linear(`${at}.self_attn.${name}`, hiddenSize, hiddenSize),
      ),
      ...norm(`${at}.layer_norm2`),
      ...linear(`${at}.mlp.fc1`, intermediateSize, hiddenSize),
      ...linear(`${at}.mlp.fc2`, hiddenSize, intermediateSize),
    );
  }
  return [...tensors, ...norm('vision_model.post_layernorm')];
}

function textTensors({ text }: ModelConfig): RequiredTensor[] {
  const { hiddenSize, layers, heads, kvHeads, headDim, intermediateSize, vocabularySize } = text;
  const tensors: RequiredTensor[] = [
    { name: 'text_model.embed_tokens.weight', shape: [vocabularySize, hiddenSize] },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const weight = (name: string, ...shape: number[]): RequiredTensor => ({
      name: `text_model.layers.${layer}.${name}.weight`,
      shape,
    });
    tensors.push(
      weight('input_layernorm', hiddenSize),
      weight('self_attn.q_proj', heads * headDim, hiddenSize),
      weight('self_attn.k_proj', kvHeads * headDim, hiddenSize),
      weight('self_attn.v_proj', kvHeads * headDim, hiddenSize),
      weight('self_attn.o_proj', hiddenSize, heads * headDim),
      weight('post_attention_layernorm', hiddenSize),
      weight('mlp.gate_proj', intermediateSize, hiddenSize),
      weight('mlp.up_proj', intermediateSize, hiddenSize),
      weight('mlp.down_proj', hiddenSize, intermediateSize),
    );
  }
  return [...tensors, { name: 'text_model.norm.weight', shape: [hiddenSize] }];
}

/** A `.weight` of the given shape and a `.bias` of its outermost size. */
function withBias(name: string, shape: readonly number[]): RequiredTensor[] {
  return [
    { name: `${name}.weight`, shape },
    { name: `${name}.bias`, shape: shape.slice(0, 1) },
  ];
}
