import type { GraphBuilder } from '../graph-builder';
import type { StackedTensors } from '../stacked-tensors';
import { matrixShape, transposedFloat32Weight } from '../weights';
import { blockSize, blockWeight } from './block-weights';

/**
 * How the decoder's weights are stored and multiplied: int8 and int4 in blocks of 32 with a scale each. One scale for a
 * whole activation tensor does not work for a decoder: the first token's activations are hundreds of times larger than
 * the others' (docs/fidelity.md).
 */
export type DecoderPrecision = 'float32' | 'int8' | 'int4';

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
    case 'int4': {
      const bits = precision === 'int8' ? 8 : 4;
      const [rows, columns] = matrixShape(source, name);
      const { packed, scales, zeroPoints } = blockWeight(source, name, bits);
      return graph.op(
        'MatMulNBits',
        [
          value,
          graph.weight(name, packed),
          graph.weight(`${name}_scales`, scales),
          graph.weight(`${name}_zero_points`, zeroPoints),
        ],
        {
          domain: 'com.microsoft',
          attributes: {
            K: { int: columns },
            N: { int: rows },
            bits: { int: bits },
            block_size: { int: blockSize },
            // 4: activations are rounded to int8 in blocks as well, which makes these products fast.
            accuracy_level: { int: 4 },
          },
          name: `${name}.product`,
          outputs: [output],
        },
      );
    }
  }
}
