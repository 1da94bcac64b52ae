import type { TextConfig } from '../../model/checkpoint/model-config';
import { type DecoderCanvas, decoderLinear } from './decoder-linear';
import type { RotaryTables } from './rotary-tables';

/** The graph inputs that every layer's attention reads. */
export interface AttentionInputs {
  readonly positions: string;
  readonly mask: string;
  readonly split: string;
  readonly rotary: RotaryTables;
}

export interface DecoderAttention {
  /** [1, n, width], after the output projection. */
  readonly output: string;
  /** [kvHeads, 1, n, headDim], rotated. */
  readonly newKeys: string;
  /** [kvHeads, 1, n, headDim] */
  readonly newValues: string;
}

/**
 * Grouped-query attention in two parts: the new queries are multiplied by the cached keys and the new keys separately,
 * and only their scores are concatenated. Keys and values never are, so the cache is not copied.
 * Past keys are stored transposed, so that a single new query is a vector times a row-major matrix.
 */
export function decoderAttention(
  canvas: DecoderCanvas,
  value: string,
  layer: number,
  text: TextConfig,
  inputs: AttentionInputs,
): DecoderAttention {
  const { graph } = canvas;
  const { heads, kvHeads, headDim } = text;
  const at = `text_model.layers.${layer}.self_attn`;
  const [queries, newKeys, newValues] = projected(canvas, value, at, text, inputs);
  const pastKeys = graph.input(`past_key_${layer}`, 'float32', [kvHeads, 1, headDim, 'past']);
  const pastValues = graph.input(`past_value_${layer}`, 'float32', [kvHeads, 1, 'past', headDim]);
  const ofPastKeys = graph.op('MatMul', [queries, pastKeys], { name: `${at}.past_scores` });
  const ofNewKeys = graph.op('FusedMatMul', [queries, newKeys], {
    domain: 'com.microsoft',
    attributes: { transB: { int: 1 } },
    name: `${at}.new_scores`,
  });
  const joined = graph.op('Concat', [ofPastKeys, ofNewKeys], { attributes: { axis: { int: 3 } } });
  // Scaled here: if it were before the product, the runtime would fold the factor into it, and a scaled product of one row
  // misses the runtime's vector × matrix kernel (0.1 ms a layer at 900 tokens).
  const scale = graph.constant(`${at}.scale`, 'float32', [], 1 / Math.sqrt(headDim));
  const scores = graph.op('Mul', [joined, scale]);
  const weights = graph.op('Softmax', [graph.op('Add', [scores, inputs.mask])], {
    attributes: { axis: { int: -1 } },
  });
  const [ofPast = '', ofNew = ''] = graph.node('Split', [weights, inputs.split], {
    attributes: { axis: { int: 3 } },
    outputs: 2,
  });
  const attended = graph.op('Add', [
    graph.op('MatMul', [ofPast, pastValues]),
    graph.op('MatMul', [ofNew, newValues]),
  ]);
  const perHead = reshape(canvas, attended, [heads, -1, headDim]);
  const perToken = graph.op('Transpose', [perHead], { attributes: { perm: { ints: [1, 0, 2] } } });
  const output = decoderLinear(
    canvas,
    reshape(canvas, perToken, [1, -1, heads * headDim]),
    `${at}.o_proj.weight`,
  );
  return { output, newKeys, newValues };
}

/** One product for queries [kvHeads, group, n, headDim], keys and values; rotates the first two. */
function projected(
  canvas: DecoderCanvas,
  value: string,
  at: string,
  { heads, kvHeads, headDim }: TextConfig,
  { positions, rotary }: AttentionInputs,
): [queries: string, keys: string, values: string] {
  const { graph, source } = canvas;
  const stacked = source.stack(
    `${at}.qkv_proj.weight`,
    ['q_proj', 'k_proj', 'v_proj'].map((name) => `${at}.${name}.weight`),
  );
  const all = reshape(canvas, decoderLinear(canvas, value, stacked), [1, -1, heads + 2 * kvHeads, headDim]);
  const byHead = graph.op('Transpose', [all], { attributes: { perm: { ints: [0, 2, 1, 3] } } });
  const [turning = '', values = ''] = split(canvas, byHead, [heads + kvHeads, kvHeads]);
  const rotated = graph.op('RotaryEmbedding', [turning, positions, rotary.cos, rotary.sin], {
    domain: 'com.microsoft',
    name: `${at}.rotary`,
  });
  const [queries = '', keys = ''] = split(canvas, rotated, [heads, kvHeads]);
  return [
    reshape(canvas, queries, [kvHeads, heads / kvHeads, -1, headDim]),
    reshape(canvas, keys, [kvHeads, 1, -1, headDim]),
    reshape(canvas, values, [kvHeads, 1, -1, headDim]),
  ];
}

/** Splits [1, heads, n, headDim] by heads. */
function split({ graph }: DecoderCanvas, value: string, sizes: readonly number[]): readonly string[] {
  const constant = int64Constant({ graph }, `heads_${sizes.join('_')}`, sizes);
  return graph.node('Split', [value, constant], { attributes: { axis: { int: 1 } }, outputs: sizes.length });
}

function reshape({ graph }: DecoderCanvas, value: string, shape: readonly number[]): string {
  return graph.op('Reshape', [value, int64Constant({ graph }, `shape_${shape.join('_')}`, shape)]);
}

function int64Constant(
  { graph }: Pick<DecoderCanvas, 'graph'>,
  stem: string,
  values: readonly number[],
): string {
  const name = graph.unusedName(stem);
  return graph.constant(name, 'int64', [values.length], BigInt64Array.from(values.map(BigInt)));
}
