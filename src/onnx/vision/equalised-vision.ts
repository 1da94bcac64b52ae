import type { TensorSource } from '../../model/safetensors/tensor-source';
import { type EqualisedChannels, equalisedTensors, linearSizes, normSizes } from '../equalised-tensors';

/**
 * The vision tower's tensors with equalised channels: between each norm and the linear layers after it, and between values and
 * the output projection (attention only averages values). No factor passes through the activation before `fc2`.
 */
export function equalisedVision(source: TensorSource, layers: number): Promise<TensorSource> {
  return equalisedTensors(source, visionChannels(source, layers));
}

async function* visionChannels(source: TensorSource, layers: number): AsyncGenerator<EqualisedChannels> {
  for (let layer = 0; layer < layers; layer++) {
    const at = `vision_model.encoder.layers.${layer}`;
    const attention = `${at}.self_attn`;
    const sizes = await normSizes(source, `${at}.layer_norm1`, true);
    yield {
      producers: parameters(`${at}.layer_norm1`),
      consumers: ['q', 'k', 'v'].map((name) => `${attention}.${name}_proj.weight`),
      activations: sizes,
    };
    yield {
      producers: parameters(`${attention}.v_proj`),
      consumers: [`${attention}.out_proj.weight`],
      activations: await linearSizes(source, `${attention}.v_proj.weight`, sizes),
    };
    yield {
      producers: parameters(`${at}.layer_norm2`),
      consumers: [`${at}.mlp.fc1.weight`],
      activations: await normSizes(source, `${at}.layer_norm2`, true),
    };
  }
}

function parameters(layer: string): readonly string[] {
  return [`${layer}.weight`, `${layer}.bias`];
}
