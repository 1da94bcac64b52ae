/**
 * Patterns for transformer blocks on an RK3588's NPU, for any vision tower: draw a graph with GraphBuilder at
 * opset 12, put the patterns in, write it with writeModel, and give the file to rknn-toolkit2.
 * Needs the optional package protobufjs to write.
 */
export {
  type Attribute,
  type Dimension,
  GraphBuilder,
  GraphError,
  type NodeOptions,
  type OnnxGraph,
  type StreamedTensor,
} from '../graph-builder';
export { type WriteModelOptions, type WrittenModel, writeModel } from '../write-model';
export { npuActivation, tanhGelu } from './npu-activation';
export {
  type AttentionOperands,
  type QueryTiledAttention,
  queryChunks,
  queryTiledAttention,
} from './query-tiled-attention';
export { type Sandwich, sandwich } from './sandwich';
export { type ScaledLayerNorm, scaledLayerNorm } from './scaled-layer-norm';
