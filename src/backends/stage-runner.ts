import type { BundleStage } from '../model/bundle-manifest';

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

/** Opens a bundle's stages on one kind of device. */
export interface VisionBackend {
  /** `onnxruntime` or `rknn`. */
  readonly name: string;
  /** Stages that can run at the same time: NPU cores; 1 when absent. */
  readonly cores?: number;
  /** @throws SmolvlmError `stage-load` for a file it cannot load, `stage-contract` when the tensors are not the manifest's */
  openStage(bundleDir: string, stage: BundleStage): Promise<StageRunner>;
  close(): Promise<void>;
}
