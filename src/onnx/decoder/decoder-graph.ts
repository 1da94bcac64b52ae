import type { TextConfig } from '../../model/checkpoint/model-config';
import type { TensorSource } from '../../model/safetensors/tensor-source';
import { cpuActivation } from '../cpu-activation';
import { GraphBuilder, type OnnxGraph } from '../graph-builder';
import { Rotation } from '../rotation';
import { StackedTensors } from '../stacked-tensors';
import { bytesOf, float32Weight } from '../weights';
import { attentionRotates, decoderAttention } from './decoder-attention';
import {
  type DecoderCanvas,
  type DecoderPrecision,
  decoderLinear,
  headWeights,
  isRotated,
  layerWeights,
} from './decoder-linear';
import { rotaryTables } from './rotary-tables';
import { RotatedDecoder } from './rotated-decoder';

const opsets = { '': 17, 'com.microsoft': 1 };

/** TensorProto.DataType of ONNX. */
const int64Type = 7;

/**
 * A Llama decoder for onnxruntime on a CPU, for any number n of new tokens after cached ones.
 *
 * Inputs: `rows` float32 [1, n, width]; `last_index` and `total` int32 [1]: the last new token's index, and the number of
 * tokens with it; `logit_rows` int64 [m], which of the n rows get logits; `past_key_i` and `past_value_i` float32
 * [1, kvHeads, capacity, headDim].
 * Outputs: `logits` float32 [1, m, vocabulary]; `present_key_i` and `present_value_i`, as the past ones.
 *
 * The caller binds a past and its present to one buffer: the new rows are written into it, and the cache is not copied.
 */
export function decoderGraph(
  text: TextConfig,
  tiedHead: boolean,
  tensors: TensorSource,
  precision: DecoderPrecision,
): OnnxGraph {
  const graph = new GraphBuilder('decoder', { opsets });
  const head = tiedHead ? 'text_model.embed_tokens.weight' : 'lm_head.weight';
  const rotation = isRotated(precision, text) ? new Rotation(text.hiddenSize) : undefined;
  const source = new StackedTensors(
    rotation ? new RotatedDecoder(tensors, text.layers, head, rotation) : tensors,
  );
  const canvas: DecoderCanvas = { graph, source, weights: headWeights(precision, text) };
  const inputs = {
    rows: graph.input('rows', 'float32', [1, 'tokens', text.hiddenSize]),
    lastIndex: graph.input('last_index', 'int32', [1]),
    total: graph.input('total', 'int32', [1]),
    logitRows: graph.input('logit_rows', 'int64', ['logit_rows']),
  };
  const rotary = rotaryTables(graph, text);
  const firstPosition = attentionRotates(text) ? '' : firstNewToken(graph, inputs.rows, inputs.total);
  let stream = rotation ? rotated(graph, inputs.rows, rotation) : inputs.rows;
  let normed = rmsNorm(canvas, stream, layerName(0, 'input_layernorm'), text.rmsNormEps);
  const cache: string[] = [];
  for (let layer = 0; layer < text.layers; layer++) {
    const weights = layerWeights(precision, layer, text);
    const others = { ...canvas, weights: weights.others };
    const gateUp = { ...canvas, weights: weights.gateUp };
    const attention = decoderAttention(others, normed, layer, text, { ...inputs, firstPosition, rotary });
    cache.push(attention.keys, attention.values);
    [normed, stream] = addAndNorm(
      canvas,
      attention.output,
      stream,
      layerName(layer, 'post_attention_layernorm'),
      text,
    );
    const next = layer + 1 < text.layers ? layerName(layer + 1, 'input_layernorm') : 'text_model.norm';
    [normed, stream] = addAndNorm(canvas, mlp(others, gateUp, normed, layer, text), stream, next, text);
  }
  const selected = graph.op('Gather', [normed, inputs.logitRows], { attributes: { axis: { int: 1 } } });
  const logits = decoderLinear(canvas, selected, head, 'logits');
  graph.output(logits, 'float32', [1, 'logit_rows', text.vocabularySize]);
  for (const each of cache) graph.output(each, 'float32', [1, text.kvHeads, 'capacity', text.headDim]);
  return graph.build();
}

function rotated(graph: GraphBuilder, rows: string, rotation: Rotation): string {
  const matrix = graph.weight('rotation', {
    dtype: 'float32',
    shape: [rotation.width, rotation.width],
    *chunks() {
      yield bytesOf(rotation.matrix());
    },
  });
  return graph.op('MatMul', [rows, matrix], { name: 'rotated' });
}

/** @returns int64 [1]: the index of the first of the new rows */
function firstNewToken(graph: GraphBuilder, rows: string, total: string): string {
  const [, tokens = ''] = graph.node(
    'Split',
    [graph.op('Shape', [rows]), graph.constant('ones', 'int64', [3], BigInt64Array.of(1n, 1n, 1n))],
    { outputs: 3 },
  );
  const all = graph.op('Cast', [total], { attributes: { to: { int: int64Type } } });
  return graph.op('Sub', [all, tokens]);
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

/** down(act(gate · x) ⊙ up · x); gate and up are one product. @param gateUp canvas of that product */
function mlp(
  canvas: DecoderCanvas,
  gateUp: DecoderCanvas,
  value: string,
  layer: number,
  text: TextConfig,
): string {
  const { graph, source } = canvas;
  const at = layerName(layer, 'mlp');
  const wide = source.stack(`${at}.gate_up_proj.weight`, [`${at}.gate_proj.weight`, `${at}.up_proj.weight`]);
  const sizes = graph.constant(
    `${at}.sizes`,
    'int64',
    [2],
    BigInt64Array.from([text.intermediateSize, text.intermediateSize].map(BigInt)),
  );
  const [gate = '', up = ''] = graph.node('Split', [decoderLinear(gateUp, value, wide), sizes], {
    attributes: { axis: { int: -1 } },
    outputs: 2,
    name: `${at}.split`,
  });
  const activated = cpuActivation(graph, gate, text.hiddenAct, 'text_config');
  return decoderLinear(canvas, graph.op('Mul', [activated, up]), `${at}.down_proj.weight`);
}
