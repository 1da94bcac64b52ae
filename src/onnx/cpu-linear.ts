import type { TensorSource } from '../model/safetensors/tensor-source';
import { blockLinear } from './block-linear';
import type { BlockFormat } from './block-weights';
import type { GraphBuilder } from './graph-builder';
import { type Int8Range, int8Weight } from './int8-weights';
import { float32Weight, matrixShape, transposedFloat32Weight } from './weights';

/** How the weights of a CPU stage are stored and multiplied. */
export type LinearPrecision = 'float32' | 'int8';

/** How int8 weights have their scales: an output channel, or in `blocks` of its inputs. Activations: one, or a row's block. */
export type StageWeights = LinearPrecision | 'blocks';

/**
 * Full range. A CPU with AVX2 but neither VNNI nor AVX-512 could saturate its 16-bit sums; there the runtime stores the weights
 * as uint8, which cannot (`x64quantprecision` in src/backends/onnxruntime/session-options.ts).
 */
export const cpuInt8Range: Int8Range = 127;

/** The graph that a stage is built in, and its source of weights. */
export interface StageCanvas {
  readonly graph: GraphBuilder;
  readonly source: TensorSource;
  readonly precision: StageWeights;
}

/** An activation that can be multiplied by any number of weights; quantised once. */
export type LinearInput =
  | { readonly precision: 'float32' | 'blocks'; readonly value: string }
  | {
      readonly precision: 'int8';
      /** uint8 */
      readonly value: string;
      readonly scale: string;
      readonly zeroPoint: string;
    };

/** int8: the graph quantises the activation per tensor, by its own range, at run time. */
export function linearInput({ graph, precision }: StageCanvas, value: string): LinearInput {
  if (precision !== 'int8') return { precision, value };
  const [quantised = '', scale = '', zeroPoint = ''] = graph.node('DynamicQuantizeLinear', [value], {
    outputs: 3,
    name: `${value}_quantised`,
  });
  return { precision, value: quantised, scale, zeroPoint };
}

/** Largest share of a row that is padding. */
const mostPadding = 0.02;

/** The largest blocks that add little padding: larger ones are faster (docs/decisions/conversion.md). @param inner inputs */
export function stageBlocks(inner: number): BlockFormat {
  const padded = (size: number): number => Math.ceil(inner / size) * size;
  const size = stageBlockSizes.find((each) => padded(each) <= inner * (1 + mostPadding)) ?? 32;
  return { bits: 8, size, zeroPoints: false };
}

const stageBlockSizes = [256, 128, 64, 32] as const;

/**
 * x · Wᵀ + b of the checkpoint's layer `name` (`name.weight` [out, in], `name.bias` [out]).
 * @param biased false: without b
 * @returns the value's name, float32 [1, tokens, out]
 */
export function linearLayer(
  { graph, source, precision }: StageCanvas,
  input: LinearInput,
  name: string,
  biased = true,
): string {
  const bias = biased ? graph.weight(`${name}.bias`, float32Weight(source, `${name}.bias`)) : '';
  if (input.precision !== 'int8' && precision === 'blocks') {
    const weight = `${name}.weight`;
    const format = stageBlocks(matrixShape(source, weight)[1]);
    return blockLinear(graph, source, input.value, { weight, format, name, ...(biased && { bias }) });
  }
  if (input.precision !== 'int8') {
    const weight = graph.weight(`${name}.weight`, transposedFloat32Weight(source, `${name}.weight`));
    const product = graph.op('MatMul', [input.value, weight], { name });
    return biased ? graph.op('Add', [product, bias], { name: `${name}.biased` }) : product;
  }
  const { quantised, scale } = int8Weight(source, `${name}.weight`, cpuInt8Range);
  const weight = graph.weight(`${name}.weight`, quantised);
  const weightScale = graph.weight(`${name}.weight_scale`, scale);
  const inputs = [
    input.value,
    weight,
    input.scale,
    weightScale,
    input.zeroPoint,
    ...(biased ? ['', bias] : []),
  ];
  return graph.op('MatMulIntegerToFloat', inputs, { domain: 'com.microsoft', name });
}

/** Layer norm over the last axis with the checkpoint's `name.weight` and `name.bias` [hidden]. */
export function layerNorm({ graph, source }: StageCanvas, value: string, name: string, eps: number): string {
  const weight = graph.weight(`${name}.weight`, float32Weight(source, `${name}.weight`));
  const bias = graph.weight(`${name}.bias`, float32Weight(source, `${name}.bias`));
  return graph.op('LayerNormalization', [value, weight, bias], {
    attributes: { axis: { int: -1 }, epsilon: { float: eps } },
    name,
  });
}
