/**
 * Patterns for transformer blocks on an RK3588's NPU, for any vision tower: build a graph with GraphBuilder at
 * opset 12, add the patterns, write it with writeModel, and convert the file with rknn-toolkit2.
 * Writing needs the optional package protobufjs.
 */
export { ChannelEqualiser } from '../channel-equaliser';
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
