import type { ErrorBody } from '../errors';
import type { DropReason } from './events';

/** A model an engine holds in memory. */
export interface LoadedModel {
  /** As the request named it, or the engine's default. */
  readonly model: string;
  /** e.g. `onnxruntime int8`. */
  readonly backend: string;
  /** Bytes of weights and caches, as the captioner estimates them. */
  readonly memoryBytes: number;
  /** Frames it works on at once. */
  readonly framesInFlight: number;
  /** Why the CPU does what the NPU should, now. */
  readonly fallback?: ErrorBody;
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
  /** Of this run of the engine process; a new one after a restart. */
  readonly instance: string;
  readonly pid: number;
  readonly uptimeMs: number;
  /** Open clients that hold the engine alive. */
  readonly leases: number;
  readonly models: readonly LoadedModel[];
  readonly cameras: Readonly<Record<string, CameraStatus>>;
  /** Share of the last minute that each NPU core worked, 0 … 1; empty as long as none has. */
  readonly coreLoad: readonly number[];
  readonly memory: { readonly rssBytes: number; readonly modelLimitBytes: number };
  /** Newest last. */
  readonly lastErrors: readonly FailureRecord[];
}

/** The protocol this package speaks; the engine says it in the header `smolvlm-protocol`. */
export const protocolVersion = 1;

/** Header naming the engine run that answers; a client tells a restarted engine by it. */
export const instanceHeader = 'smolvlm-instance';
