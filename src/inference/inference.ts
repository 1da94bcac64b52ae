import type { ErrorBody } from '../errors';
import type { DescribeRequest, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { CaptionResult, ProgressPhase } from '../protocol/events';
import type { FeatureHandle, FeaturesResult } from '../protocol/features';
import type { InferenceSettings } from '../system/settings';

/** What inference knows of a result; the queue's part is added by the engine. */
export type Caption = Omit<CaptionResult, 'queuedMs' | 'camera' | 'capturedAt'>;

/** The same of a frame that was only seen. */
export interface FeaturesAnswer
  extends Omit<FeaturesResult, 'queuedMs' | 'camera' | 'capturedAt' | 'handles'> {
  /** One a picture; the engine adds its own name. */
  readonly handles: readonly Omit<FeatureHandle, 'engine'>[];
}

export interface InferenceProgress {
  readonly phase: ProgressPhase;
  readonly done: number;
  readonly total: number;
  readonly stage?: string;
  /** NPU core that ran the stage. */
  readonly core?: number;
  /** Something holds it up; the work goes on. */
  readonly warning?: ErrorBody;
}

export interface InferenceHooks {
  readonly onProgress: (progress: InferenceProgress) => void;
  readonly onToken: (text: string) => void;
  /** Aborted when nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

/** Where captions are computed; the engine calls it for as many requests at a time as `framesInFlight`. */
export interface Inference {
  /** Frames it makes sense to hand over at once; may change as models are loaded. */
  readonly framesInFlight: number;
  /** @throws SmolvlmError; anything once `hooks.signal` is aborted */
  describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption>;
  /** The vision side alone. @throws as `describe` does */
  encode(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<FeaturesAnswer>;
  models(): readonly LoadedModel[];
  close(): Promise<void>;
}

/** One loaded model. */
export interface Captioner {
  /** e.g. `onnxruntime int8`. */
  readonly backend: string;
  /** Bytes of weights and caches held. */
  readonly memoryBytes: number;
  /** Frames that keep its devices busy: 1 on a CPU; more where vision and text run on devices of their own. */
  readonly framesInFlight: number;
  /** Why the CPU does what the NPU should, now. */
  readonly fallback?: ErrorBody | undefined;
  /** @throws SmolvlmError `features-gone` for handles whose features are not held (any more) */
  describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption>;
  /** Sees the pictures and holds their features for a while. */
  encode(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<FeaturesAnswer>;
  close(): Promise<void>;
}

export interface CaptionerOptions extends RuntimeOptions {
  /** Bundle or checkpoint folder, or hub id. */
  readonly model: string;
  readonly onProgress?: (progress: InferenceProgress) => void;
  readonly signal?: AbortSignal;
  /** Default: those of this process's environment. */
  readonly settings?: InferenceSettings;
  /** Awaited before the weights are loaded, with the model's `memoryBytes`. */
  readonly makeRoom?: (sizeBytes: number) => Promise<void>;
  /** A device call will never come back; only the end of the process frees the device. */
  readonly onDeviceLost?: (error: ErrorBody) => void;
}

export type OpenCaptioner = (options: CaptionerOptions) => Promise<Captioner>;
