import type { TextConfig } from '../../model/checkpoint/model-config';
import type { TensorSource } from '../../model/safetensors/tensor-source';
import { defined } from '../../system/defined';
import { type EqualisedChannels, equalisedTensors, linearSizes, normSizes } from '../equalised-tensors';
import { type DecoderPrecision, isRotated, layerWeights } from './decoder-linear';

type Shape = Pick<TextConfig, 'layers' | 'hiddenSize'>;

/**
 * The decoder's tensors with equalised channels: between `up_proj` and `down_proj` (the gate multiplies channel by channel), and
 * between each norm and the linear layers after it, unless the residual stream is rotated, which does more (`RotatedDecoder`).
 * Where weights have 4 bits and activations 8, the activations get all of the differences between channels.
 */
export function equalisedDecoder(
  source: TensorSource,
  text: Shape,
  precision: DecoderPrecision,
): Promise<TensorSource> {
  return equalisedTensors(source, decoderChannels(source, text, precision));
}

async function* decoderChannels(
  source: TensorSource,
  text: Shape,
  precision: DecoderPrecision,
): AsyncGenerator<EqualisedChannels> {
  for (let layer = 0; layer < text.layers; layer++) {
    const at = `text_model.layers.${layer}`;
    const sizes = await normSizes(source, `${at}.post_attention_layernorm`, false);
    if (!isRotated(precision, text)) {
      yield {
        producers: [`${at}.input_layernorm.weight`],
        consumers: ['q', 'k', 'v'].map((name) => `${at}.self_attn.${name}_proj.weight`),
        activations: await normSizes(source, `${at}.input_layernorm`, false),
      };
      yield {
        producers: [`${at}.post_attention_layernorm.weight`],
        consumers: [`${at}.mlp.gate_proj.weight`, `${at}.mlp.up_proj.weight`],
        activations: sizes,
        ...defined({ strength: layerWeights(precision, layer, text).gateUp === 'small' ? 0 : undefined }),
      };
    }
    yield {
      producers: [`${at}.mlp.up_proj.weight`],
      consumers: [`${at}.mlp.down_proj.weight`],
      activations: await linearSizes(source, `${at}.mlp.up_proj.weight`, sizes),
    };
  }
}
