import type { TensorSource } from '../model/safetensors/tensor-source';
import type { GraphBuilder } from './graph-builder';
import { type Int8Range, int8Weight } from './int8-weights';
import { float32Weight, transposedFloat32Weight } from './weights';

/** How the weights of a CPU stage are stored and multiplied. */
export type LinearPrecision = 'float32' | 'int8';

/**
 * Full range. A CPU with AVX2 but neither VNNI nor AVX-512 could saturate its 16-bit sums; there the runtime stores the weights
 * as uint8, which cannot (`x64quantprecision` in src/backends/onnxruntime/session-options.ts).
 */
export const cpuInt8Range: Int8Range = 127;

/** The graph that a stage is built in, and its source of weights. */
export interface StageCanvas {
  readonly graph: GraphBuilder;
  readonly source: TensorSource;
  readonly precision: LinearPrecision;
}

/** An activation that can be multiplied by any number of weights; quantised once. */
export type LinearInput =
  | { readonly precision: 'float32'; readonly value: string }
  | {
      readonly precision: 'int8';
      /** uint8 */
      readonly value: string;
      readonly scale: string;
      readonly zeroPoint: string;
    };

/** int8: the graph quantises the activation per tensor, by its own range, at run time. */
export function linearInput({ graph, precision }: StageCanvas, value: string): LinearInput {
  if (precision === 'float32') return { precision, value };
  const [quantised = '', scale = '', zeroPoint = ''] = graph.node('DynamicQuantizeLinear', [value], {
    outputs: 3,
    name: `${value}_quantised`,
  });
  return { precision, value: quantised, scale, zeroPoint };
}

/**
 * x · Wᵀ + b of the checkpoint's layer `name` (`name.weight` [out, in], `name.bias` [out]).
 * @param biased false: without b
 * @returns the value's name, float32 [1, tokens, out]
 */
export function linearLayer(
  { graph, source }: StageCanvas,
  input: LinearInput,
  name: string,
  biased = true,
): string {
  const bias = biased ? graph.weight(`${name}.bias`, float32Weight(source, `${name}.bias`)) : '';
  if (input.precision === 'float32') {
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
