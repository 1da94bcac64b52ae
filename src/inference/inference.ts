import type { ErrorBody } from '../errors';
import type { TokenLogprob } from '../protocol/answer-options';
import type { DescribeRequest, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { CaptionResult, ProgressPhase } from '../protocol/events';
import type { FeatureHandle, FeaturesResult } from '../protocol/features';
import type { InferenceSettings } from '../system/settings';

/** A result without the fields that the queue adds. */
export type Caption = Omit<CaptionResult, 'queuedMs' | 'camera' | 'capturedAt'>;

/** The same for a frame whose features only were requested. */
export interface FeaturesAnswer
  extends Omit<FeaturesResult, 'queuedMs' | 'camera' | 'capturedAt' | 'handles'> {
  /** One per picture; the engine adds its instance. */
  readonly handles: readonly Omit<FeatureHandle, 'engine'>[];
}

export interface InferenceProgress {
  readonly phase: ProgressPhase;
  readonly done: number;
  readonly total: number;
  readonly stage?: string;
  /** NPU core that ran the stage. */
  readonly core?: number;
  /** A delay; the work continues. */
  readonly warning?: ErrorBody;
}

export interface InferenceHooks {
  readonly onProgress: (progress: InferenceProgress) => void;
  readonly onToken: (text: string, logprobs?: readonly TokenLogprob[]) => void;
  /** Aborted when the answer is no longer needed. */
  readonly signal: AbortSignal;
}

/** Computes captions; the engine hands over at most `framesInFlight` requests at a time. */
export interface Inference {
  /** Frames to hand over at once; may change when models are loaded. */
  readonly framesInFlight: number;
  /** @throws SmolvlmError; anything once `hooks.signal` is aborted */
  describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption>;
  /** The vision side only. @throws the same errors as `describe` */
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
  /** Bytes of weights and caches. */
  readonly memoryBytes: number;
  /** Frames that keep its devices busy: 1 on a CPU; more when vision and text run on different devices. */
  readonly framesInFlight: number;
  /** Why the CPU works instead of the NPU at the moment. */
  readonly fallback?: ErrorBody | undefined;
  /** Other programs that use its NPU at the moment; empty or absent for none. */
  readonly npuSharedWith?: readonly string[];
  /** @throws SmolvlmError `features-gone` for handles whose features are not cached (any longer) */
  describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption>;
  /** Encodes the pictures and keeps their features for a while. */
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
  /** Called when a device call will never return: only the end of the process frees the device. */
  readonly onDeviceLost?: (error: ErrorBody) => void;
}

export type OpenCaptioner = (options: CaptionerOptions) => Promise<Captioner>;

/** The same text for all spellings of a model: its folder. @throws SmolvlmError when there is no such model */
export type IdentifyModel = (options: Pick<CaptionerOptions, 'model' | 'settings'>) => Promise<string>;
