import type { GraphBuilder } from '../graph-builder';

export interface ScaledLayerNorm {
  /** Names of the learned vectors, [hidden]. */
  readonly weight: string;
  readonly bias: string;
  /** The checkpoint's epsilon, for the unscaled stream. */
  readonly eps: number;
  /** The factor of `value`, e.g. 0.1. */
  readonly scale: number;
}

/** Smallest positive fp16: a smaller epsilon would be 0 on the NPU, and a constant row would be 0/0. */
const smallestEps = 2 ** -24;

/**
 * Layer norm over the last axis of a scaled value: since (s·x − s·mean)/√(variance·s² + eps·s²)
 * is (x − mean)/√(variance + eps), the factor cancels, and squares of s·x stay below fp16's 65,504
 * where those of x would not (2,000² = 4·10⁶). Uses operators of opset 12, which has no LayerNormalization.
 * @returns the normalised value, unscaled
 */
export function scaledLayerNorm(
  graph: GraphBuilder,
  value: string,
  { weight, bias, eps, scale }: ScaledLayerNorm,
): string {
  const overWidth = { attributes: { axes: { ints: [-1] }, keepdims: { int: 1 } } };
  const mean = graph.op('ReduceMean', [value], { ...overWidth, name: 'norm_mean' });
  const centred = graph.op('Sub', [value, mean], { name: 'norm_centred' });
  const square = graph.op('Mul', [centred, centred], { name: 'norm_square' });
  const variance = graph.op('ReduceMean', [square], { ...overWidth, name: 'norm_variance' });
  const epsilon = graph.constant(
    graph.unusedName('norm_eps'),
    'float32',
    [1],
    Math.max(eps * scale ** 2, smallestEps),
  );
  const deviation = graph.op('Sqrt', [graph.op('Add', [variance, epsilon])], { name: 'norm_deviation' });
  const normal = graph.op('Div', [centred, deviation], { name: 'norm' });
  return graph.op('Add', [graph.op('Mul', [normal, weight]), bias], { name: 'norm_affine' });
}
