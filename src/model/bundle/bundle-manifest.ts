import type { BundleTarget, NpuPrecisionChoice } from '../../protocol/models/conversion-choices';
/** Weight precision of a stage or of the decoder. */
export type Precision = 'float32' | 'fp16' | 'int8' | 'int4';

export interface TensorSpec {
  readonly name: string;
  readonly dtype: 'float32' | 'float16' | 'uint8';
  readonly shape: readonly number[];
}

/** A file of the bundle, checked before it is used. */
export interface BundleFile {
  /** Relative to the bundle folder. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** One stage of the vision tower; half a layer (a shard), a layer, or the whole tower. */
export interface BundleStage {
  /** `l{i}_attn`, `l{i}_mlp`, `l{i}`, or `vision`. */
  readonly name: string;
  readonly file: BundleFile;
  /** Weights of the stage's graph (ONNX external data). */
  readonly data?: BundleFile;
  readonly precision: Precision;
  /** NPU core index; absent for `cpu`. */
  readonly core?: number;
  readonly input: TensorSpec;
  readonly output: TensorSpec;
  /** Cosine of its output and the float32 reference's, given the reference's input; present when it was validated. */
  readonly cosine?: number;
  /** The same, given the output of the stages before it. */
  readonly accumulatedCosine?: number;
  readonly buildSeconds?: number;
}

export interface BundleDecoder {
  readonly format: 'onnx' | 'rkllm';
  readonly precision: Precision;
  readonly files: readonly BundleFile[];
}

/** How a vision tower is split: half a layer per stage (a shard), a layer per stage, or one stage. */
export const visionGranularities = ['half-layer', 'layer', 'tower'] as const;
export type VisionGranularity = (typeof visionGranularities)[number];

/** How an NPU bundle's stages were made, so that they can be made again for the simulator. */
export interface BundleConversion {
  readonly granularity: VisionGranularity;
  /** Query rows per attention chunk. */
  readonly queryRows: number;
  readonly precision: NpuPrecisionChoice;
  /** Frames the INT8 ranges were taken from. */
  readonly calibrationFrames: number;
  /** Over the contents of all frames used. */
  readonly framesSha256: string;
}

/** `smolvlm-bundle.json` */
export interface BundleManifest {
  readonly schemaVersion: 1;
  readonly model: { readonly id: string; readonly sha256: string };
  readonly target: BundleTarget;
  readonly toolkitVersion?: string;
  readonly conversion?: BundleConversion;
  /** The residual stream is multiplied by this between stages; the host divides after the last. */
  readonly residualScale: number;
  readonly stages: readonly BundleStage[];
  /** The same tower for the CPU, at scale 1, used while the NPU cannot be used. */
  readonly cpuStages?: readonly BundleStage[];
  /** The host's two matrix products as graphs, where the target's runtime can run them; else the host computes them from `host`. */
  readonly hostGraphs?: {
    /** Patches [tokens, channels × patchSize²] → [tokens, hidden], with bias. */
    readonly patchProjection: BundleStage;
    /** Shuffled patches [image tokens, hidden × scaleFactor²] → [image tokens, text width]. */
    readonly connectorProjection: BundleStage;
  };
  /** Patch/position embeddings, post-norm, connector, token embeddings; absent for a folder of shards alone. */
  readonly host?: BundleFile;
  /** Runs on the CPU. */
  readonly decoder?: BundleDecoder;
  /** Runs on the NPU where its runtime is installed; `decoder` is used while the NPU cannot be used. */
  readonly npuDecoder?: BundleDecoder;
  /** Configs, tokenizer and template copied from the checkpoint. */
  readonly configs: readonly BundleFile[];
  readonly validation?: BundleFile;
  /** ISO 8601. */
  readonly created: string;
}
