import type { TextConfig } from '../../model/checkpoint/model-config';
import type { TensorSource } from '../../model/safetensors/tensor-source';
import { cpuActivation } from '../cpu-activation';
import { GraphBuilder, type OnnxGraph } from '../graph-builder';
import { StackedTensors } from '../stacked-tensors';
import { float32Weight } from '../weights';
import { decoderAttention } from './decoder-attention';
import { type DecoderCanvas, type DecoderPrecision, decoderLinear } from './decoder-linear';
import { rotaryTables } from './rotary-tables';

const opsets = { '': 17, 'com.microsoft': 1 };

/**
 * A Llama decoder for onnxruntime on a CPU, for any number n of new tokens after p cached ones.
 *
 * Inputs: `rows` float32 [1, n, width]; `positions` int64 [1, n]; `mask` float32 [n, p + n], added
 * to the scores; `split` int64 [2] = p, n; `logit_rows` int64 [m], which of the n rows get logits;
 * `past_key_i` float32 [kvHeads, 1, headDim, p]; `past_value_i` [kvHeads, 1, p, headDim].
 * Outputs: `logits` float32 [1, m, vocabulary]; `new_kv` float32 [2 · layers · kvHeads, 1, n, headDim]: per layer
 * the new tokens' keys (rotated), then the values.
 *
 * The cache is an input only: the caller appends the new rows to it. onnxruntime-node copies every output, so
 * a cache among the outputs would be copied as a whole for each token; here a step costs only its n rows.
 */
export function decoderGraph(
  text: TextConfig,
  tiedHead: boolean,
  tensors: TensorSource,
  precision: DecoderPrecision,
): OnnxGraph {
  const graph = new GraphBuilder('decoder', { opsets });
  const source = new StackedTensors(tensors);
  const canvas: DecoderCanvas = { graph, source, precision };
  const inputs = {
    rows: graph.input('rows', 'float32', [1, 'tokens', text.hiddenSize]),
    positions: graph.input('positions', 'int64', [1, 'tokens']),
    mask: graph.input('mask', 'float32', ['tokens', 'context']),
    split: graph.input('split', 'int64', [2]),
    logitRows: graph.input('logit_rows', 'int64', ['logit_rows']),
  };
  const rotary = rotaryTables(graph, text);
  let stream = inputs.rows;
  let normed = rmsNorm(canvas, stream, layerName(0, 'input_layernorm'), text.rmsNormEps);
  const newRows: string[] = [];
  for (let layer = 0; layer < text.layers; layer++) {
    const attention = decoderAttention(canvas, normed, layer, text, { ...inputs, rotary });
    newRows.push(attention.newKeys, attention.newValues);
    [normed, stream] = addAndNorm(
      canvas,
      attention.output,
      stream,
      layerName(layer, 'post_attention_layernorm'),
      text,
    );
    const next = layer + 1 < text.layers ? layerName(layer + 1, 'input_layernorm') : 'text_model.norm';
    [normed, stream] = addAndNorm(canvas, mlp(canvas, normed, layer, text), stream, next, text);
  }
  const selected = graph.op('Gather', [normed, inputs.logitRows], { attributes: { axis: { int: 1 } } });
  const head = tiedHead ? 'text_model.embed_tokens.weight' : 'lm_head.weight';
  // The head selects the token: in an int4 decoder it stays int8.
  const headCanvas: DecoderCanvas = precision === 'int4' ? { ...canvas, precision: 'int8' } : canvas;
  const logits = decoderLinear(headCanvas, selected, head, 'logits');
  const kv = graph.op('Concat', newRows, { attributes: { axis: { int: 0 } }, outputs: ['new_kv'] });
  graph.output(logits, 'float32', [1, 'logit_rows', text.vocabularySize]);
  graph.output(kv, 'float32', [2 * text.layers * text.kvHeads, 1, 'tokens', text.headDim]);
  return graph.build();
}

function layerName(layer: number, name: string): string {
  return `text_model.layers.${layer}.${name}`;
}

function rmsNorm({ graph, source }: DecoderCanvas, value: string, name: string, eps: number): string {
  const weight = graph.weight(`${name}.weight`, float32Weight(source, `${name}.weight`));
  return graph.op('SimplifiedLayerNormalization', [value, weight], {
    attributes: { axis: { int: -1 }, epsilon: { float: eps }, stash_type: { int: 1 } },
    name,
  });
}

/** @returns the norm of the sum, and the sum, which continues as the residual stream */
function addAndNorm(
  { graph, source }: DecoderCanvas,
  branch: string,
  stream: string,
  name: string,
  { rmsNormEps }: TextConfig,
): [normed: string, stream: string] {
  const weight = graph.weight(`${name}.weight`, float32Weight(source, `${name}.weight`));
  const [normed = '', , , sum = ''] = graph.node(
    'SkipSimplifiedLayerNormalization',
    [branch, stream, weight],
    {
      domain: 'com.microsoft',
      attributes: { epsilon: { float: rmsNormEps } },
      outputs: [`${name}.normed`, '', '', `${name}.stream`],
      name,
    },
  );
  return [normed, sum];
}

/** down(act(gate · x) ⊙ up · x); gate and up are one product. */
function mlp(canvas: DecoderCanvas, value: string, layer: number, text: TextConfig): string {
  const { graph, source } = canvas;
  const at = layerName(layer, 'mlp');
  const wide = source.stack(`${at}.gate_up_proj.weight`, [`${at}.gate_proj.weight`, `${at}.up_proj.weight`]);
  const sizes = graph.constant(
    `${at}.sizes`,
    'int64',
    [2],
    BigInt64Array.from([text.intermediateSize, text.intermediateSize].map(BigInt)),
  );
  const [gate = '', up = ''] = graph.node('Split', [decoderLinear(canvas, value, wide), sizes], {
    attributes: { axis: { int: -1 } },
    outputs: 2,
    name: `${at}.split`,
  });
  const activated = cpuActivation(graph, gate, text.hiddenAct, 'text_config');
  return decoderLinear(canvas, graph.op('Mul', [activated, up]), `${at}.down_proj.weight`);
}
