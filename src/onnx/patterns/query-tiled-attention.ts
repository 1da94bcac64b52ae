import { type GraphBuilder, GraphError } from '../graph-builder';

export interface AttentionOperands {
  /** Each float32 [1, tokens, hidden], heads side by side. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
}

export interface QueryTiledAttention {
  readonly tokens: number;
  readonly hidden: number;
  /** Divides `hidden`. */
  readonly heads: number;
  /** Query rows per chunk, e.g. 32; the last chunk has the rest. */
  readonly queryRows: number;
}

/** @returns sizes of attention's query chunks: `queryRows` each, the last one the rest of `tokens` */
export function queryChunks(tokens: number, queryRows: number): readonly number[] {
  if (!Number.isInteger(queryRows) || queryRows < 1) {
    throw new GraphError(
      'onnx-query-rows',
      `query rows per chunk: expected a whole number of at least 1, received ${queryRows}`,
    );
  }
  const whole = Math.floor(tokens / queryRows);
  const rest = tokens % queryRows;
  return [...Array<number>(whole).fill(queryRows), ...(rest === 0 ? [] : [rest])];
}

/**
 * softmax(q·kᵀ/√width)·v, one chunk of query rows at a time ("nano-tiled"): scores are [1, heads, rows, tokens],
 * never [tokens, tokens] per head, which the NPU's buffers cannot hold. Queries are scaled before the product, so
 * that scores stay in fp16's range. Keys and values are not split.
 * @returns [1, tokens, hidden], heads side by side
 */
export function queryTiledAttention(
  graph: GraphBuilder,
  { query, key, value }: AttentionOperands,
  { tokens, hidden, heads, queryRows }: QueryTiledAttention,
): string {
  const width = hidden / heads;
  if (!Number.isInteger(width)) {
    throw new GraphError('onnx-heads', `${heads} heads do not divide the width ${hidden}`);
  }
  const factor = graph.constant(graph.unusedName('query_scale'), 'float32', [1], 1 / Math.sqrt(width));
  const scaled = graph.op('Mul', [query, factor], { name: 'scaled_query' });
  const queries = splitHeads(graph, scaled, tokens, heads, width, [0, 2, 1, 3]);
  const keys = splitHeads(graph, key, tokens, heads, width, [0, 2, 3, 1]);
  const values = splitHeads(graph, value, tokens, heads, width, [0, 2, 1, 3]);
  const sizes = queryChunks(tokens, queryRows);
  let begin = 0;
  const mixed = sizes.map((rows) => {
    const chunk = sizes.length === 1 ? queries : sliceRows(graph, queries, begin, begin + rows);
    begin += rows;
    const scores = graph.op('MatMul', [chunk, keys], { name: 'scores' });
    const weights = graph.op('Softmax', [scores], { attributes: { axis: { int: 3 } }, name: 'weights' });
    return graph.op('MatMul', [weights, values], { name: 'mixed' });
  });
  return joinHeads(graph, joinChunks(graph, mixed), tokens, hidden);
}

/** Rows `begin` to `end` (exclusive) of [1, heads, tokens, width]. */
function sliceRows(graph: GraphBuilder, value: string, begin: number, end: number): string {
  const index = (stem: string, number: number): string =>
    graph.constant(graph.unusedName(stem), 'int64', [1], BigInt64Array.of(BigInt(number)));
  const range = [index('chunk_begin', begin), index('chunk_end', end), index('chunk_axis', 2)];
  return graph.op('Slice', [value, ...range], { name: 'query_chunk' });
}

/** [1, rows, heads × width] → [1, heads, rows, width], or [1, rows, heads, width] permuted by `order`. */
function splitHeads(
  graph: GraphBuilder,
  value: string,
  rows: number,
  heads: number,
  width: number,
  order: readonly number[],
): string {
  const apart = reshape(graph, value, [1, rows, heads, width]);
  return graph.op('Transpose', [apart], { attributes: { perm: { ints: order } }, name: 'heads' });
}

function joinChunks(graph: GraphBuilder, chunks: readonly string[]): string {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  return graph.op('Concat', chunks, { attributes: { axis: { int: 2 } }, name: 'attended' });
}

function joinHeads(graph: GraphBuilder, value: string, rows: number, hidden: number): string {
  const rowsFirst = graph.op('Transpose', [value], {
    attributes: { perm: { ints: [0, 2, 1, 3] } },
    name: 'rows',
  });
  return reshape(graph, rowsFirst, [1, rows, hidden]);
}

function reshape(graph: GraphBuilder, value: string, shape: readonly number[]): string {
  const sizes = graph.constant(
    graph.unusedName('shape'),
    'int64',
    [shape.length],
    BigInt64Array.from(shape, BigInt),
  );
  return graph.op('Reshape', [value, sizes], { name: 'reshape' });
}
