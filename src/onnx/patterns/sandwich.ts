import type { GraphBuilder } from '../graph-builder';

export interface Sandwich {
  /** The factor of the stream inside and between shards, e.g. 0.1; a power of two is exact in fp16. */
  readonly scale: number;
  /** Name of the result. */
  readonly output: string;
}

/**
 * A residual branch on a scaled stream: s·x → s·(x + branch(x)). Outlier channels of a vision tower's residual
 * stream reach thousands, and fp16 cannot hold their squares and sums. The stream is therefore multiplied by s
 * everywhere, and only the branch, whose values are small after its layer norm, is computed unscaled.
 * @param branch builds the branch from the scaled stream and returns its unscaled result
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
