import type { ErrorBody } from '../errors';
import type { FeaturesResult } from './features';

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

/** One of the answers offered, with its probability normalised over all of them. */
export interface Choice {
  readonly text: string;
  readonly probability: number;
  /** Sum of the answer's token log-probabilities under the model. */
  readonly logProbability: number;
}

/** What the engine answers for a described frame. */
export interface CaptionResult {
  readonly text: string;
  /** The text's value, where the request had a `jsonSchema`. */
  readonly json?: unknown;
  readonly tokenIds: readonly number[];
  readonly promptTokens: number;
  readonly tiles: number;
  readonly finishReason: 'stop' | 'length' | 'choice';
  readonly choices?: readonly Choice[];
  /** Probability of the best choice, or the geometric mean of the generated tokens' probabilities. */
  readonly confidence?: number;
  readonly timingsMs: Timings;
  /** Absent when the features came from the cache. */
  readonly vision?: VisionTimings;
  readonly queuedMs: number;
  /** Model name, e.g. the checkpoint folder's or the hub id. */
  readonly model: string;
  /** e.g. `onnxruntime int8`, `rknn fp16 + onnxruntime int8`. */
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
  readonly prompt: string;
  readonly capturedAt?: string;
}

export type DropReason = 'queue-full' | 'superseded' | 'expired' | 'deadline' | 'cancelled' | 'shutdown';

export type ProgressPhase = 'loading' | 'image' | 'vision' | 'prefill' | 'decode';

/** One line of the answer to `POST /v1/frames/describe` (`application/x-ndjson`); the last is result, features, dropped or error. */
export type EngineEvent =
  | {
      readonly type: 'queued';
      readonly id: string;
      /** Frames that wait in the engine, this one included. */
      readonly waiting: number;
    }
  | {
      readonly type: 'progress';
      readonly id: string;
      readonly phase: ProgressPhase;
      /** Done of total: stages over all tiles for `vision`, tokens for `prefill` and `decode`. */
      readonly done: number;
      readonly total: number;
      /** e.g. `l3_mlp`. */
      readonly stage?: string;
      /** NPU core that ran the stage; absent on a CPU. */
      readonly core?: number;
      /** Something holds it up, e.g. `npu-slow`, `npu-busy`; the work goes on. */
      readonly warning?: ErrorBody;
    }
  | { readonly type: 'token'; readonly id: string; readonly text: string }
  | EngineFinal;

type Answered = { readonly type: 'result'; readonly id: string; readonly result: CaptionResult };
type Seen = { readonly type: 'features'; readonly id: string; readonly features: FeaturesResult };
type Unanswered =
  | { readonly type: 'dropped'; readonly id: string; readonly reason: DropReason; readonly message: string }
  | { readonly type: 'error'; readonly id: string; readonly error: ErrorBody };

/** The event that ends a description. */
export type FinalEvent = Answered | Unanswered;

/** The event that ends a request for features. */
export type FeaturesFinal = Seen | Unanswered;

/** The event that ends a request. */
export type EngineFinal = FinalEvent | FeaturesFinal;

/** A request that was done. */
export type DoneEvent = Answered | Seen;
