import type { ErrorBody } from '../errors';
import type { NpuSharing } from './describe-request';
import type { DropReason } from './events';

/** A model an engine holds in memory. */
export interface LoadedModel {
  /** As the request names it, or the engine's default. */
  readonly model: string;
  /** e.g. `onnxruntime int8`. */
  readonly backend: string;
  /** Bytes of weights and caches, as the captioner estimates them. */
  readonly memoryBytes: number;
  /** Frames it works on at a time. */
  readonly framesInFlight: number;
  /** Why the CPU is used instead of the NPU at the moment. */
  readonly fallback?: ErrorBody;
  /** Other programs that used the NPU when the model was last used, e.g. `process 640 (frigate.detector:rknn)`. */
  readonly npuSharedWith?: readonly string[];
  /** What is done because of them, as the request or the engine's settings choose; absent without other programs. */
  readonly npuSharing?: NpuSharing;
  /** What the CPU computes wrongly with its fastest kernels, and what is used instead; code `cpu-products`. */
  readonly arithmetic?: ErrorBody;
  /** ISO 8601. */
  readonly lastUsedAt: string;
}

/** A camera's queue: every request offered is in exactly one of these counts. */
export interface CameraStatus {
  readonly waiting: number;
  readonly running: number;
  /** Described: ended in a result. */
  readonly done: number;
  readonly failed: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

export interface FailureRecord {
  /** ISO 8601. */
  readonly at: string;
  readonly camera: string;
  readonly error: ErrorBody;
}

/** The answer to `GET /health` (without a token only `state`, `version` and `protocol`) and `GET /v1/status`. */
export interface EngineStatus {
  readonly state: 'ready' | 'stopping';
  /** Of the package. */
  readonly version: string;
  readonly protocol: number;
  /** Identifies this run of the engine process; another one after a restart. */
  readonly instance: string;
  readonly pid: number;
  readonly uptimeMs: number;
  /** Open clients, which keep the engine running. */
  readonly leases: number;
  readonly models: readonly LoadedModel[];
  readonly cameras: Readonly<Record<string, CameraStatus>>;
  /** Share of the last minute that each NPU core worked, 0 … 1; empty before the first frame on the NPU. */
  readonly coreLoad: readonly number[];
  readonly memory: { readonly rssBytes: number; readonly modelLimitBytes: number };
  /** Newest last. */
  readonly lastErrors: readonly FailureRecord[];
}

/** Version of the protocol; the first line of a lease, `/health` and `/v1/status` say it. */
export const protocolVersion = 1;

/** Header that identifies the engine run: a restarted engine has another one. */
export const instanceHeader = 'smolvlm-instance';
