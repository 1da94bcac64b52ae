import { isNarrow } from '../../model/checkpoint/narrow-stream';
import type { TensorSource } from '../../model/safetensors/tensor-source';
import { cpuActivation } from '../cpu-activation';
import {
  type LinearPrecision,
  layerNorm,
  linearInput,
  linearLayer,
  type StageCanvas,
  type StageWeights,
} from '../cpu-linear';
import { GraphBuilder, type OnnxGraph } from '../graph-builder';
import { highestOutputs, OrderedChannels } from './ordered-channels';

/** Sizes and constants of the vision tower, needed for its graphs. */
export interface VisionGraphShape {
  /** Patches per tile, e.g. 1024. */
  readonly tokens: number;
  /** Width of the residual stream, e.g. 768. */
  readonly hidden: number;
  readonly heads: number;
  readonly layers: number;
  readonly layerNormEps: number;
  /** The checkpoint's name of the function, e.g. `gelu_pytorch_tanh`. */
  readonly hiddenAct: string;
}

/** One half of a layer: the smallest part of a stage. */
export interface HalfLayer {
  readonly layer: number;
  readonly half: 'attn' | 'mlp';
}

/** ONNX 17 introduced LayerNormalization; the other fused operators are the runtime's own. */
const opsets = { '': 17, 'com.microsoft': 1 };

/**
 * Builds consecutive half-layers as one graph for onnxruntime on a CPU: `in` and `out` float32
 * [1, tokens, hidden], the residual stream unscaled.
 */
export function cpuVisionStage(
  name: string,
  halves: readonly HalfLayer[],
  shape: VisionGraphShape,
  source: TensorSource,
  precision: LinearPrecision,
): OnnxGraph {
  const graph = new GraphBuilder(name, { opsets });
  const canvas: StageCanvas = { graph, source, precision: stageWeights(precision, shape) };
  const size = [1, shape.tokens, shape.hidden];
  let stream = graph.input('in', 'float32', size);
  for (const [index, { layer, half }] of halves.entries()) {
    const branch =
      half === 'attn'
        ? attentionBranch(canvas, stream, layer, shape)
        : mlpBranch(canvas, stream, layer, shape);
    stream = graph.op('Add', [stream, branch], {
      outputs: [index === halves.length - 1 ? 'out' : `l${layer}_${half}`],
      name: `l${layer}_${half}.residual`,
    });
  }
  graph.output(stream, 'float32', size);
  return graph.build();
}

function attentionBranch(
  canvas: StageCanvas,
  stream: string,
  layer: number,
  { heads, layerNormEps }: VisionGraphShape,
): string {
  const prefix = layerPrefix(layer);
  const input = linearInput(canvas, layerNorm(canvas, stream, `${prefix}.layer_norm1`, layerNormEps));
  const [query, key, value] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
    linearLayer(canvas, input, `${prefix}.self_attn.${name}`),
  ) as [string, string, string];
  // The operator's default scale is 1/√(head width), like the reference's.
  const attended = canvas.graph.op('MultiHeadAttention', [query, key, value], {
    domain: 'com.microsoft',
    attributes: { num_heads: { int: heads } },
    name: `${prefix}.self_attn`,
  });
  return linearLayer(canvas, linearInput(canvas, attended), `${prefix}.self_attn.out_proj`);
}

function mlpBranch(
  stage: StageCanvas,
  stream: string,
  layer: number,
  { hidden, layerNormEps, hiddenAct }: VisionGraphShape,
): string {
  const prefix = layerPrefix(layer);
  const canvas: StageCanvas = isNarrow(hidden) ? { ...stage, precision: 'float32' } : stage;
  const [fc1, fc2] = [`${prefix}.mlp.fc1`, `${prefix}.mlp.fc2`];
  // No factor passes through the activation, so its large channels cannot be equalised: they get separate blocks.
  const ordered = new OrderedChannels(canvas.source, { producer: fc1, consumer: fc2 }, () =>
    highestOutputs(canvas.source, `${prefix}.layer_norm2`, fc1),
  );
  const mlp = canvas.precision === 'float32' ? canvas : { ...canvas, source: ordered };
  const input = linearInput(canvas, layerNorm(canvas, stream, `${prefix}.layer_norm2`, layerNormEps));
  const wide = cpuActivation(canvas.graph, linearLayer(mlp, input, fc1), hiddenAct, 'vision_config');
  return linearLayer(mlp, linearInput(canvas, wide), fc2);
}

/** In a narrow tower, weights in blocks gain no time. */
function stageWeights(precision: LinearPrecision, { hidden }: VisionGraphShape): StageWeights {
  return precision === 'int8' && !isNarrow(hidden) ? 'blocks' : precision;
}

function layerPrefix(layer: number): string {
  return `vision_model.encoder.layers.${layer}`;
}
