import type { TensorSource } from '../model/safetensors/tensor-source';
import { type BlockFormat, blockWeight } from './block-weights';
import type { GraphBuilder } from './graph-builder';
import { matrixShape } from './weights';

export interface BlockLinear {
  /** Of the checkpoint, [out, in]. */
  readonly weight: string;
  readonly format: BlockFormat;
  /** Name of a value [out] in the graph. */
  readonly bias?: string;
  /** Name of the node. */
  readonly name: string;
  /** Name of the result; default: after the node. */
  readonly output?: string;
}

/** x · Wᵀ + b with weights in blocks of inputs; the activations are rounded to int8 in the same blocks. */
export function blockLinear(
  graph: GraphBuilder,
  source: TensorSource,
  value: string,
  { weight, format, bias, name, output }: BlockLinear,
): string {
  const [rows, columns] = matrixShape(source, weight);
  const { packed, scales, zeroPoints } = blockWeight(source, weight, format);
  const inputs = [
    value,
    graph.weight(weight, packed),
    graph.weight(`${weight}_scales`, scales),
    ...(zeroPoints ? [graph.weight(`${weight}_zero_points`, zeroPoints)] : bias === undefined ? [] : ['']),
    ...(bias === undefined ? [] : ['', bias]),
  ];
  return graph.op('MatMulNBits', inputs, {
    domain: 'com.microsoft',
    attributes: {
      K: { int: columns },
      N: { int: rows },
      bits: { int: format.bits },
      block_size: { int: format.size },
      // 4: activations are rounded to int8 in blocks as well, which makes these products fast.
      accuracy_level: { int: 4 },
    },
    name,
    ...(output !== undefined && { outputs: [output] }),
  });
}
