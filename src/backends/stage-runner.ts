import type { BundleStage } from '../model/bundle/bundle-manifest';

/** A loaded stage of the vision tower. Calls on one runner never overlap; the pipeline sees to it. */
export interface StageRunner {
  readonly stage: BundleStage;
  /**
   * @param input [1, tokens, hidden] float32 (or the stage's own input spec)
   * @param onSlow told when the device takes far longer than it should
   * @returns the same layout, owned by the caller
   * @throws SmolvlmError `stage-input` for another size, `stage-closed` after close
   */
  run(input: Float32Array, onSlow?: (ms: number) => void): Promise<Float32Array>;
  /** Milliseconds the last run took on the device itself; absent where the device does not say. */
  readonly deviceMs?: number | undefined;
  /** Waits for a run under way. */
  close(): Promise<void>;
}

/** A stage as a pipeline runs it: the stream is values, or lies in memory the stage shares with the next one. */
export interface PipelineStage {
  readonly stage: BundleStage;
  readonly deviceMs?: number | undefined;
  /** @param input undefined: in the memory shared with the stage before @returns undefined: in `output` */
  run(input: Float32Array | undefined, onSlow?: (ms: number) => void): Promise<Float32Array | undefined>;
  /** Where its output stays for the next stage; absent where it is handed on as values. */
  readonly output?: SharedOutput | undefined;
}

/** Memory between two stages: one tile's at a time. */
export interface SharedOutput {
  /** Waits until the tile before was read. */
  take(): Promise<void>;
  /** It was read, or never written. */
  release(): void;
  /** A copy of what lies in it. */
  read(): Float32Array;
}

/** Opens a bundle's stages on one kind of device. */
export interface VisionBackend {
  /** `onnxruntime` or `rknn`. */
  readonly name: string;
  /** Stages that can run at the same time: NPU cores; 1 when absent. */
  readonly cores?: number;
  /** @throws SmolvlmError `stage-load` for a file it cannot load, `stage-contract` when the tensors are not the manifest's */
  openStage(bundleDir: string, stage: BundleStage): Promise<StageRunner>;
  /**
   * Joins opened stages, in order, so that they share memory where the device can. They are still closed one by one.
   * @returns the stages to run
   */
  link?(stages: readonly StageRunner[]): Promise<readonly PipelineStage[]>;
  close(): Promise<void>;
}
