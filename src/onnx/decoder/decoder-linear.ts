import type { TextConfig } from '../../model/checkpoint/model-config';
import { isNarrow } from '../../model/checkpoint/narrow-stream';
import { blockLinear } from '../block-linear';
import { blockFormats } from '../block-weights';
import type { GraphBuilder } from '../graph-builder';
import type { StackedTensors } from '../stacked-tensors';
import { transposedFloat32Weight } from '../weights';

/**
 * How the decoder's weights are stored and multiplied.
 * - int8: in the inner layers and the head, blocks of 128 with a scale each. The residual stream is rotated (`RotatedDecoder`), so
 *   that activations have no outliers; otherwise those of the first token are hundreds of times larger than the others'
 *   (docs/fidelity.md). Other layers, and all of a decoder narrower than 512, in blocks of 32 with a
 *   scale and a zero point. Below 256 all weights stay float32.
 * - int4: 4 bits in the gate and up projections of the inner layers, in blocks of 32 with a scale and a zero point. The others are
 *   as in int8, without the rotation.
 */
export type DecoderPrecision = 'float32' | 'int8' | 'int4';

/** How one weight is stored. */
export type DecoderWeights = 'float32' | keyof typeof blockFormats;

/** How the weights of one layer are stored. */
export interface LayerWeights {
  readonly gateUp: DecoderWeights;
  readonly others: DecoderWeights;
}

/** A decoder narrower than a few blocks of 128 gains no speed from them. */
const leastWideBlocksWidth = 512;

/** Whether the residual stream is rotated. */
export function isRotated(
  precision: DecoderPrecision,
  { hiddenSize }: Pick<TextConfig, 'hiddenSize'>,
): boolean {
  return precision === 'int8' && hiddenSize >= leastWideBlocksWidth;
}

/**
 * The first and the last fifteenth of the layers, at least one each (two and two of SmolVLM-256M), are `fine` in int8 and int4,
 * because they react most to coarse weights.
 */
export function layerWeights(
  precision: DecoderPrecision,
  layer: number,
  text: Pick<TextConfig, 'layers' | 'hiddenSize'>,
): LayerWeights {
  const outer = Math.max(1, Math.floor(text.layers / 15));
  const isOuter = layer < outer || layer >= text.layers - outer;
  const others = headWeights(precision, text);
  if (others === 'float32') return { gateUp: others, others };
  if (isOuter) return { gateUp: 'fine', others: 'fine' };
  return { gateUp: precision === 'int4' ? 'small' : others, others };
}

/** How the weights of the output projection are stored. */
export function headWeights(
  precision: DecoderPrecision,
  text: Pick<TextConfig, 'hiddenSize'>,
): DecoderWeights {
  if (precision === 'float32') return 'float32';
  if (precision === 'int8' && isNarrow(text.hiddenSize)) return 'float32';
  return text.hiddenSize >= leastWideBlocksWidth ? 'wide' : 'fine';
}

/** The graph that the decoder's layers are built in, and their source of weights. */
export interface DecoderCanvas {
  readonly graph: GraphBuilder;
  readonly source: StackedTensors;
  readonly weights: DecoderWeights;
}

/**
 * Activations times Wᵀ, W [out, in] from the checkpoint; layers of a Llama decoder have no bias.
 * @param output name of the result; by default after the weight
 */
export function decoderLinear(
  { graph, source, weights }: DecoderCanvas,
  value: string,
  name: string,
  output = `${name}.product`,
): string {
  if (weights === 'float32') {
    const weight = graph.weight(name, transposedFloat32Weight(source, name));
    return graph.op('MatMul', [value, weight], { name: `${name}.product`, outputs: [output] });
  }
  return blockLinear(graph, source, value, {
    weight: name,
    format: blockFormats[weights],
    name: `${name}.product`,
    output,
  });
}
