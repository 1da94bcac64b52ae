import { cpuInt8Range } from '../cpu-linear';
import type { GraphBuilder } from '../graph-builder';
import { int8Weight } from '../int8-weights';
import type { StackedTensors } from '../stacked-tensors';
import { matrixShape, transposedFloat32Weight } from '../weights';
import { int4BlockSize, int4Weight } from './int4-weights';

/** How the decoder's weights are stored and multiplied. */
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
    case 'int8': {
      const [quantised = '', valueScale = '', zeroPoint = ''] = graph.node('DynamicQuantizeLinear', [value], {
        outputs: 3,
        name: `${name}.input`,
      });
      const { quantised: weights, scale } = int8Weight(source, name, cpuInt8Range);
      const inputs = [
        quantised,
        graph.weight(name, weights),
        valueScale,
        graph.weight(`${name}_scale`, scale),
        zeroPoint,
      ];
      return graph.op('MatMulIntegerToFloat', inputs, {
        domain: 'com.microsoft',
        name: `${name}.product`,
        outputs: [output],
      });
    }
    case 'int4': {
      const [rows, columns] = matrixShape(source, name);
      const { packed, scales } = int4Weight(source, name);
      return graph.op(
        'MatMulNBits',
        [value, graph.weight(name, packed), graph.weight(`${name}_scales`, scales)],
        {
          domain: 'com.microsoft',
          attributes: {
            K: { int: columns },
            N: { int: rows },
            bits: { int: 4 },
            block_size: { int: int4BlockSize },
            // 4: activations are rounded to int8 per block, which makes 4-bit weights fast.
            accuracy_level: { int: 4 },
          },
          name: `${name}.product`,
        },
      );
    }
  }
}
