import type { ErrorBody } from '../errors';
import type { PicturePool } from '../image/pool/picture-pool';
import type { TokenLogprob } from '../protocol/answer-options';
import type { DescribeRequest, NpuSharing, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { CaptionResult, Progress } from '../protocol/events';
import type { FeatureHandle, FeaturesResult } from '../protocol/features';
import type { InferenceSettings } from '../system/settings';
import type { ProductCheck } from './cpu/product-check';
import type { GateTicket } from './priority-gate';

/** A result without the fields that the queue adds. */
export type Caption = Omit<CaptionResult, 'queuedMs' | 'camera' | 'capturedAt'>;

/** The same for a frame whose features only were requested. */
export interface FeaturesAnswer
  extends Omit<FeaturesResult, 'queuedMs' | 'camera' | 'capturedAt' | 'handles'> {
  /** One per picture; the engine adds its instance. */
  readonly handles: readonly Omit<FeatureHandle, 'engine'>[];
}

export interface InferenceHooks {
  readonly onProgress: (progress: Progress) => void;
  readonly onToken: (text: string, logprobs?: readonly TokenLogprob[]) => void;
  /** Aborted when the answer is no longer needed. */
  readonly signal: AbortSignal;
  /** Where requests of higher priority may go first; absent where requests run one at a time. */
  readonly ticket?: GateTicket;
  /**
   * Runs work that needs no device: meanwhile another frame may run in its place. Resolves when the request has a place
   * again. Absent where requests run one at a time.
   */
  readonly aside?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What answers requests with pictures. */
interface PictureTasks {
  /**
   * @throws SmolvlmError, e.g. `features-gone` for handles whose features are not cached (any longer); anything once
   *   `hooks.signal` is aborted
   */
  describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption>;
  /** The vision side only; keeps the features for a while. @throws the same errors as `describe` */
  encode(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<FeaturesAnswer>;
  close(): Promise<void>;
}

/**
 * Computes captions; the engine hands over at most `framesInFlight` requests at a time, and beyond that only requests of
 * higher priority, for which the others stop.
 */
export interface Inference extends PictureTasks {
  /** Frames of one priority to hand over at once; may change when models are loaded. */
  readonly framesInFlight: number;
  models(): readonly LoadedModel[];
}

/** One loaded model. */
export interface Captioner extends PictureTasks {
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
  /** What is done because of them. */
  readonly npuSharing?: NpuSharing | undefined;
  /** What this CPU computes wrongly, and what is used instead. */
  readonly arithmetic?: ErrorBody | undefined;
}

export interface CaptionerOptions extends RuntimeOptions {
  /** Prepares its pictures; default: its own pool, closed with it. */
  readonly pictures?: PicturePool;
  /** Bundle or checkpoint folder, or hub id. */
  readonly model: string;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  /** Default: those of this process's environment. */
  readonly settings?: InferenceSettings;
  /** Awaited before the weights are loaded, with the model's `memoryBytes`. */
  readonly makeRoom?: (sizeBytes: number) => Promise<void>;
  /** What onnxruntime's products are worth here; default: they are checked once per thread. */
  readonly products?: () => Promise<ProductCheck>;
  /** Called when a device call will never return: only the end of the process frees the device. */
  readonly onDeviceLost?: (error: ErrorBody) => void;
}

export type OpenCaptioner = (options: CaptionerOptions) => Promise<Captioner>;

/** The same text for all spellings of a model: its folder. @throws SmolvlmError if the model does not exist */
export type IdentifyModel = (options: Pick<CaptionerOptions, 'model' | 'settings'>) => Promise<string>;
