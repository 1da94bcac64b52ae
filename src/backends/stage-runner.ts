import type { BundleStage } from '../model/bundle/bundle-manifest';

/** A loaded stage of the vision tower. Calls on one runner never overlap; the pipeline ensures it. */
export interface StageRunner {
  readonly stage: BundleStage;
  /**
   * @param input [1, tokens, hidden] float32 (or the stage's own input spec)
   * @param onSlow called when the device takes far longer than it should
   * @returns the same layout, owned by the caller
   * @throws SmolvlmError `stage-input` for another size, `stage-closed` after close
   */
  run(input: Float32Array, onSlow?: (ms: number) => void): Promise<Float32Array>;
  /** Milliseconds the last run took on the device itself; absent if the device does not report it. */
  readonly deviceMs?: number | undefined;
  /** Waits for the current run. */
  close(): Promise<void>;
}

/** A stage as a pipeline runs it: the stream is passed as values, or is in memory shared with the next stage. */
export interface PipelineStage {
  readonly stage: BundleStage;
  readonly deviceMs?: number | undefined;
  /** @param input undefined: in the memory shared with the stage before @returns undefined: in `output` */
  run(input: Float32Array | undefined, onSlow?: (ms: number) => void): Promise<Float32Array | undefined>;
  /** Where its output stays for the next stage; absent if it is passed as values. */
  readonly output?: SharedOutput | undefined;
}

/** Memory between two stages; holds one tile's output at a time. */
export interface SharedOutput {
  /** Waits until the previous tile's output has been read. */
  take(): Promise<void>;
  /** The output has been read, or was never written. */
  release(): void;
  /** A copy of the contents. */
  read(): Float32Array;
}

/** Opens a bundle's stages on one kind of device. */
export interface VisionBackend {
  /** `onnxruntime` or `rknn`. */
  readonly name: string;
  /** Stages that can run at the same time: NPU cores; 1 when absent. */
  readonly cores?: number;
  /** @throws SmolvlmError `stage-load` for a file it cannot load, `stage-contract` when the tensors differ from the manifest */
  openStage(bundleDir: string, stage: BundleStage): Promise<StageRunner>;
  /**
   * Joins opened stages, in order, so that they share memory if the device can. They are still closed one by one.
   * @returns the stages to run
   */
  link?(stages: readonly StageRunner[]): Promise<readonly PipelineStage[]>;
  close(): Promise<void>;
}
