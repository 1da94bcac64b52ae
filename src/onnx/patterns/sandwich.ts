import type { GraphBuilder } from '../graph-builder';

export interface Sandwich {
  /** The factor the stream carries inside and between shards, e.g. 0.1; a power of two is exact in fp16. */
  readonly scale: number;
  /** Name of the result. */
  readonly output: string;
}

/**
 * A residual branch on a scaled stream: s·x → s·(x + branch(x)). Outlier channels of a vision tower's residual
 * stream reach thousands, whose squares and sums fp16 cannot hold; the stream therefore carries the factor s
 * everywhere, and only the branch, whose values are small after its layer norm, is computed at full size.
 * @param branch draws the branch from the scaled stream, and gives its unscaled result
 */
export function sandwich(
  graph: GraphBuilder,
  stream: string,
  { scale, output }: Sandwich,
  branch: (scaledStream: string) => string,
): string {
  const full = branch(stream);
  const scaled = scale === 1 ? full : scaledBy(graph, full, scale);
  return graph.op('Add', [stream, scaled], { outputs: [output], name: 'residual' });
}

function scaledBy(graph: GraphBuilder, value: string, scale: number): string {
  const factor = graph.constant(graph.unusedName('residual_scale'), 'float32', [1], scale);
  return graph.op('Mul', [value, factor], { name: 'scaled_branch' });
}
