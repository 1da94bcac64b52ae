import type { BundleStage } from '../model/bundle-manifest';

/** A loaded stage of the vision tower. Calls on one runner never overlap; the pipeline sees to it. */
export interface StageRunner {
  readonly stage: BundleStage;
  /**
   * @param input [1, tokens, hidden] float32 (or the stage's own input spec)
   * @returns the same layout, owned by the caller
   * @throws SmolvlmError `stage-input` for another size, `stage-closed` after close
   */
  run(input: Float32Array): Promise<Float32Array>;
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
