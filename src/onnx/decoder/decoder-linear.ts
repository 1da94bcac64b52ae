import { blockLinear } from '../block-linear';
import type { GraphBuilder } from '../graph-builder';
import type { StackedTensors } from '../stacked-tensors';
import { transposedFloat32Weight } from '../weights';

/**
 * How the decoder's weights are stored and multiplied: int8 and int4 in blocks of 32 with a scale each; in an int4
 * decoder the gate and up projections of the inner layers have 4 bits, all other weights 8. One scale for a
 * whole activation tensor does not work for a decoder: the first token's activations are hundreds of times larger than
 * the others' (docs/fidelity.md).
 */
export type DecoderPrecision = 'float32' | 'int8' | 'int4';

/**
 * How the gate and up projections of a layer are stored. In an int4 decoder the first and the last fifteenth of the layers, at
 * least one each (two and two of SmolVLM-256M), stay int8, because they react most to coarse weights.
 */
export function wideProjectionPrecision(
  precision: DecoderPrecision,
  layer: number,
  layers: number,
): DecoderPrecision {
  const outer = Math.max(1, Math.floor(layers / 15));
  const isOuter = layer < outer || layer >= layers - outer;
  return precision === 'int4' && isOuter ? 'int8' : precision;
}

/** The graph that the decoder's layers are built in, and their source of weights. */
export interface DecoderCanvas {
  readonly graph: GraphBuilder;
  readonly source: StackedTensors;
  readonly precision: DecoderPrecision;
}

/**
 * Activations times Wᵀ, W [out, in] from the checkpoint; layers of a Llama decoder have no bias.
 * @param output name of the result; by default after the weight
 */
export function decoderLinear(
  { graph, source, precision }: DecoderCanvas,
  value: string,
  name: string,
  output = `${name}.product`,
): string {
  switch (precision) {
    case 'float32': {
      const weight = graph.weight(name, transposedFloat32Weight(source, name));
      return graph.op('MatMul', [value, weight], { name: `${name}.product`, outputs: [output] });
    }
    case 'int8':
    case 'int4':
      return blockLinear(graph, source, value, {
        weight: name,
        bits: precision === 'int8' ? 8 : 4,
        name: `${name}.product`,
        output,
      });
  }
}
