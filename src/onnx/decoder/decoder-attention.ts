import type { TextConfig } from '../../model/checkpoint/model-config';
import { type DecoderCanvas, decoderLinear } from './decoder-linear';
import type { RotaryTables } from './rotary-tables';

const domain = 'com.microsoft';

/** The values that every layer's attention reads. */
export interface AttentionInputs {
  /** int32 [1] each: the last token's index, and the number of tokens. */
  readonly lastIndex: string;
  readonly total: string;
  /** int64 [1]: the first new token's index; only where the rotation is a separate node. */
  readonly firstPosition: string;
  readonly rotary: RotaryTables;
}

export interface DecoderAttention {
  /** [1, n, width], after the output projection. */
  readonly output: string;
  /** [1, kvHeads, capacity, headDim], rotated. */
  readonly keys: string;
  readonly values: string;
}

/** Head sizes that the runtime's attention rotates itself: half of one is a multiple of 8. */
export function attentionRotates({ headDim }: TextConfig): boolean {
  return headDim % 16 === 0;
}

/**
 * Grouped-query attention as one node. The new keys and values are written after the cached ones; when the
 * caller binds a layer's past and present to the same memory, nothing else is copied.
 */
export function decoderAttention(
  canvas: DecoderCanvas,
  value: string,
  layer: number,
  text: TextConfig,
  { lastIndex, total, firstPosition, rotary }: AttentionInputs,
): DecoderAttention {
  const { graph, source } = canvas;
  const { heads, kvHeads, headDim } = text;
  const at = `text_model.layers.${layer}.self_attn`;
  const stacked = source.stack(
    `${at}.qkv_proj.weight`,
    ['q_proj', 'k_proj', 'v_proj'].map((name) => `${at}.${name}.weight`),
  );
  const packed = decoderLinear(canvas, value, stacked);
  const rotates = attentionRotates(text);
  const projected = rotates ? [packed, '', ''] : rotated(canvas, packed, at, text, firstPosition, rotary);
  const cache = (name: string) => graph.input(name, 'float32', [1, kvHeads, 'capacity', headDim]);
  const past = [cache(`past_key_${layer}`), cache(`past_value_${layer}`)];
  const tables = rotates ? [rotary.cos, rotary.sin] : [];
  const [attended = '', keys = '', values = ''] = graph.node(
    'GroupQueryAttention',
    [...projected, ...past, lastIndex, total, ...tables],
    {
      domain,
      attributes: {
        num_heads: { int: heads },
        kv_num_heads: { int: kvHeads },
        scale: { float: 1 / Math.sqrt(headDim) },
        do_rotary: { int: rotates ? 1 : 0 },
      },
      outputs: [`${at}.attended`, `present_key_${layer}`, `present_value_${layer}`],
      name: `${at}.attention`,
    },
  );
  return { output: decoderLinear(canvas, attended, `${at}.o_proj.weight`), keys, values };
}

/** @returns queries, keys and values, the first two rotated */
function rotated(
  { graph }: DecoderCanvas,
  packed: string,
  at: string,
  { heads, kvHeads, headDim }: TextConfig,
  firstPosition: string,
  { cos, sin }: RotaryTables,
): readonly string[] {
  const sizes = BigInt64Array.from([heads, kvHeads, kvHeads].map((count) => BigInt(count * headDim)));
  const [queries = '', keys = '', values = ''] = graph.node(
    'Split',
    [packed, graph.constant(`${at}.sizes`, 'int64', [3], sizes)],
    { attributes: { axis: { int: 2 } }, outputs: 3, name: `${at}.split` },
  );
  const rotate = (value: string): string =>
    graph.op('RotaryEmbedding', [value, firstPosition, cos, sin], { domain, name: `${at}.rotary` });
  return [rotate(queries), rotate(keys), values];
}
