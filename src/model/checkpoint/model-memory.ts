import { type ModelConfig, patchesPerTile, type TextConfig } from './model-config';
import { isNarrow } from './narrow-stream';
import { parameterCount, type RequiredTensor, requiredTensors } from './required-tensors';

/** Memory that a model needs, computed from its configuration alone; bytes. */
export interface ModelMemory {
  readonly parameters: number;
  /** The vision tower's fp16 stages on the NPU, with each stage's own scratch memory; less with shared scratch. */
  readonly visionNpuBytes: number;
  /** The same tower in int8 on the CPU, with the activations of one tile. */
  readonly visionCpuBytes: number;
  /** The decoder on the CPU. Token embeddings stay on disk. */
  readonly decoderBytes: { readonly int8: number; readonly int4: number };
  /** The decoder in w8a8 on the NPU. */
  readonly decoderNpuBytes: number;
  /** KV cache of one token on the CPU, float32. */
  readonly contextBytesPerToken: number;
  /** Disk space of a bundle for the NPU with CPU stages and an int8 decoder. */
  readonly bundleBytes: number;
}

/** Query rows of an attention chunk, the default of a conversion. */
const queryRows = 32;

/** An estimate; measured peaks on a CPU are below it (docs/performance.md). */
export function modelMemory(config: ModelConfig): ModelMemory {
  const tensors = requiredTensors(config);
  const count = (holds: (tensor: RequiredTensor) => boolean): number => parameterCount(tensors.filter(holds));
  const { vision, text } = config;
  const tokens = patchesPerTile(config);
  const encoder = count(({ name }) => name.startsWith('vision_model.encoder.'));
  const embeddings = count(({ name }) => name === 'text_model.embed_tokens.weight');
  const host =
    count(({ name }) => name.startsWith('vision_model.') || name.startsWith('connector.')) - encoder;
  // A tied head is the embedding, multiplied as the head; the embedding itself is read from disk.
  const head = text.vocabularySize * text.hiddenSize;
  const decoder = tensors.filter(({ name }) => /^text_model\.(?:layers|norm)/.test(name));
  const decoderBytes = {
    int8: storedBytes(decoder, head, text, 'int8'),
    int4: storedBytes(decoder, head, text, 'int4'),
  };
  // Input, output, keys, values and their transposes; scores of a chunk for all heads; the MLP's inner values.
  const stream = tokens * vision.hiddenSize;
  const attention = 8 * stream + 2 * vision.heads * queryRows * tokens;
  const mlp = 2 * stream + 2 * tokens * vision.intermediateSize;
  return {
    parameters: parameterCount(tensors),
    visionNpuBytes: 2 * encoder + 2 * vision.layers * (attention + mlp),
    visionCpuBytes: encoder + 4 * (host + Math.max(attention, mlp)),
    decoderBytes,
    decoderNpuBytes: parameterCount(decoder) + head + embeddings * 2,
    contextBytesPerToken: 2 * 4 * text.layers * text.kvHeads * text.headDim,
    bundleBytes: 3 * encoder + decoderBytes.int8 + 2 * embeddings + 6 * host,
  };
}

/** A weight with its share of its block's float32 scale and zero point: the formats of src/onnx/block-weights.ts. */
const weightBytes = { fine: 1 + (4 + 1) / 32, wide: 1 + 4 / 128, small: 0.5 + (4 + 0.5) / 32, float32: 4 };

/** The decoder with its head on the CPU; which weight has which format: src/onnx/decoder/decoder-linear.ts. */
function storedBytes(
  decoder: readonly RequiredTensor[],
  head: number,
  { layers, hiddenSize }: TextConfig,
  precision: 'int8' | 'int4',
): number {
  const outer = Math.max(1, Math.floor(layers / 15));
  const narrow = precision === 'int8' && isNarrow(hiddenSize) ? 'float32' : 'fine';
  const usual = hiddenSize >= 512 ? 'wide' : narrow;
  return decoder.reduce((sum, tensor) => {
    const layer = Number(/^text_model\.layers\.(\d+)\./.exec(tensor.name)?.[1] ?? 0);
    const isOuter = layer < outer || layer >= layers - outer;
    const isSmall = precision === 'int4' && /\.(?:gate|up)_proj\./.test(tensor.name);
    const format = isSmall && !isOuter ? 'small' : isOuter && usual === 'wide' ? 'fine' : usual;
    return sum + parameterCount([tensor]) * weightBytes[format];
  }, head * weightBytes[usual]);
}

/** Node.js, onnxruntime, sharp and the prompt's rows: about what an engine takes without a model, and a picture's work. */
const engineBytes = 350e6;

/** For the system, Node-RED and what else a hub runs. */
const systemBytes = 1e9;

/** Sizes of hubs, by their memory; the largest RK3588 boards have 32 GB. */
const hubGigabytes = [2, 4, 8, 16, 32] as const;

export type HubGigabytes = (typeof hubGigabytes)[number];

/** How a model is run on a hub. */
export type HubUse = 'vision on the NPU' | 'all on the CPU' | 'all on the NPU';

/**
 * Memory of an engine with one loaded model and one context.
 * @param contextTokens prompt and answer together
 */
export function hubBytes(memory: ModelMemory, use: HubUse, contextTokens: number): number {
  const context = memory.contextBytesPerToken * contextTokens;
  const vision = use === 'all on the CPU' ? memory.visionCpuBytes : memory.visionNpuBytes;
  const text =
    use === 'all on the NPU' ? memory.decoderNpuBytes + context / 2 : memory.decoderBytes.int8 + context;
  return engineBytes + vision + text;
}

/** The smallest hub with room for that beside its system; undefined if none has. */
export function smallestHub(bytes: number): HubGigabytes | undefined {
  return hubGigabytes.find((gigabytes) => gigabytes * 1024 ** 3 * 0.95 >= bytes + systemBytes);
}
