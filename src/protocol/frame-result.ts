import type { ErrorBody } from '../errors';

/** Milliseconds spent in each part of a caption. */
export interface Timings {
  readonly image: number;
  readonly vision: number;
  readonly prefill: number;
  readonly decode: number;
  readonly total: number;
}

/** How the vision time of a frame was spent. */
export interface VisionTimings {
  /** Milliseconds of each stage, over all tiles: measured by the NPU's driver, or as wall time on a CPU. */
  readonly stagesMs: Readonly<Record<string, number>>;
  /** Share of the vision time that each NPU core worked for this frame, 0 … 1; absent on a CPU. */
  readonly coreBusy?: readonly number[];
}

/** What every result says about its frame. */
export interface FrameResult {
  readonly tiles: number;
  /** Absent when the features came from the cache. */
  readonly vision?: VisionTimings;
  readonly queuedMs: number;
  /** Model name, e.g. the checkpoint folder's or the hub id. */
  readonly model: string;
  /** e.g. `onnxruntime int8`, `rknn fp16 + onnxruntime int8`; for features the vision side only. */
  readonly backend: string;
  /** Why the CPU was used instead of the NPU. */
  readonly fallback?: ErrorBody;
  /** The vision features came from the cache. */
  readonly cached: boolean;
  /** SHA-256 over the decoded, cropped and masked pixels, hex. */
  readonly frameHash: string;
  /** JPEG in base64, if the request had a `thumbnailSide`. */
  readonly thumbnail?: string;
  readonly camera?: string;
  readonly capturedAt?: string;
}
