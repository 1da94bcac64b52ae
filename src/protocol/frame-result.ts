import type { ErrorBody } from '../errors';

/** Milliseconds spent in each part of a caption. */
export interface Timings {
  readonly image: number;
  readonly vision: number;
  readonly prefill: number;
  readonly decode: number;
  readonly total: number;
}

/** Where the vision time of a frame went. */
export interface VisionTimings {
  /** Milliseconds of each stage, over all tiles: on the NPU by its own account, on a CPU as waited for. */
  readonly stagesMs: Readonly<Record<string, number>>;
  /** Share of the vision time that each NPU core worked for this frame, 0 … 1; absent on a CPU. */
  readonly coreBusy?: readonly number[];
}

/** What the engine says of a frame it has looked at, whatever was asked about it. */
export interface FrameResult {
  readonly tiles: number;
  /** Absent when the features came from the cache. */
  readonly vision?: VisionTimings;
  readonly queuedMs: number;
  /** Model name, e.g. the checkpoint folder's or the hub id. */
  readonly model: string;
  /** e.g. `onnxruntime int8`, `rknn fp16 + onnxruntime int8`; of features the vision side alone. */
  readonly backend: string;
  /** Why the CPU saw the frame, where the NPU should have. */
  readonly fallback?: ErrorBody;
  /** The vision features came from the cache. */
  readonly cached: boolean;
  /** SHA-256 over the decoded, cropped and masked pixels, hex. */
  readonly frameHash: string;
  /** JPEG in base64, where the request asked for one. */
  readonly thumbnail?: string;
  readonly camera?: string;
  readonly capturedAt?: string;
}
