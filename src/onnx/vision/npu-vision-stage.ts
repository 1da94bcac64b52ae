import type { TensorSource } from '../../model/safetensors/tensor-source';
import { GraphBuilder, type OnnxGraph } from '../graph-builder';
import { npuActivation } from '../patterns/npu-activation';
import { queryTiledAttention } from '../patterns/query-tiled-attention';
import { sandwich } from '../patterns/sandwich';
import { scaledLayerNorm } from '../patterns/scaled-layer-norm';
import { float32Weight, transposedFloat32Weight } from '../weights';
import type { HalfLayer, VisionGraphShape } from './cpu-vision-stage';

export interface NpuStageOptions {
  /** Query rows per attention chunk. */
  readonly queryRows: number;
  /** The factor of the residual stream between stages. */
  readonly residualScale: number;
}

/** A stage's graph, and the source of its halves' weights. */
interface NpuCanvas extends NpuStageOptions {
  readonly graph: GraphBuilder;
  readonly source: TensorSource;
  readonly shape: VisionGraphShape;
}

/**
 * Builds consecutive half-layers as one graph for the NPU converter (opset 12): `in` and `out` float32
 * [1, tokens, hidden], the residual stream × `residualScale`. A stage of one half-layer is a shard.
 */
export function npuVisionStage(
  name: string,
  halves: readonly HalfLayer[],
  shape: VisionGraphShape,
  source: TensorSource,
  options: NpuStageOptions,
): OnnxGraph {
  const graph = new GraphBuilder(name, { opsets: { '': 12 }, irVersion: 7 });
  const canvas: NpuCanvas = { graph, source, shape, ...options };
  const size = [1, shape.tokens, shape.hidden];
  let stream = graph.input('in', 'float32', size);
  for (const [index, { layer, half }] of halves.entries()) {
    const output = index === halves.length - 1 ? 'out' : `l${layer}_${half}`;
    const branch = half === 'attn' ? attentionBranch : mlpBranch;
    stream = sandwich(graph, stream, { scale: options.residualScale, output }, (scaled) =>
      branch(canvas, scaled, `vision_model.encoder.layers.${layer}`),
    );
  }
  graph.output(stream, 'float32', size);
  return graph.build();
}

function attentionBranch(canvas: NpuCanvas, stream: string, prefix: string): string {
  const { graph, shape, queryRows } = canvas;
  const input = layerNorm(canvas, stream, `${prefix}.layer_norm1`);
  const attended = queryTiledAttention(
    graph,
    {
      query: linearLayer(canvas, input, `${prefix}.self_attn.q_proj`),
      key: linearLayer(canvas, input, `${prefix}.self_attn.k_proj`),
      value: linearLayer(canvas, input, `${prefix}.self_attn.v_proj`),
    },
    { tokens: shape.tokens, hidden: shape.hidden, heads: shape.heads, queryRows },
  );
  return linearLayer(canvas, attended, `${prefix}.self_attn.out_proj`);
}

function mlpBranch(canvas: NpuCanvas, stream: string, prefix: string): string {
  const input = layerNorm(canvas, stream, `${prefix}.layer_norm2`);
  const wide = linearLayer(canvas, input, `${prefix}.mlp.fc1`);
  return linearLayer(canvas, npuActivation(canvas.graph, wide, canvas.shape.hiddenAct), `${prefix}.mlp.fc2`);
}

function layerNorm({ graph, source, shape, residualScale }: NpuCanvas, value: string, name: string): string {
  return scaledLayerNorm(graph, value, {
    weight: graph.weight(`${name}.weight`, float32Weight(source, `${name}.weight`)),
    bias: graph.weight(`${name}.bias`, float32Weight(source, `${name}.bias`)),
    eps: shape.layerNormEps,
    scale: residualScale,
  });
}

/** x·Wᵀ + b with the checkpoint's weights. */
function linearLayer({ graph, source }: NpuCanvas, value: string, name: string): string {
  const weight = graph.weight(`${name}.weight`, transposedFloat32Weight(source, `${name}.weight`));
  const bias = graph.weight(`${name}.bias`, float32Weight(source, `${name}.bias`));
  return graph.op('Add', [graph.op('MatMul', [value, weight], { name }), bias], { name: `${name}.bias_add` });
}
