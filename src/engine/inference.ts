import type { DescribeRequest, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { CaptionResult, ProgressPhase } from '../protocol/events';

/** What inference knows of a result; the queue's part is added by the engine. */
export type Caption = Omit<CaptionResult, 'queuedMs' | 'camera' | 'capturedAt'>;

export interface InferenceProgress {
  readonly phase: ProgressPhase;
  readonly done: number;
  readonly total: number;
  readonly stage?: string;
}

export interface InferenceHooks {
  readonly onProgress: (progress: InferenceProgress) => void;
  readonly onToken: (text: string) => void;
  /** Aborted when nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

/** Where captions are computed; the engine calls it for one request at a time. */
export interface Inference {
  /** @throws SmolvlmError; anything once `hooks.signal` is aborted */
  describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption>;
  models(): readonly LoadedModel[];
  close(): Promise<void>;
}

/** One loaded model. */
export interface Captioner {
  /** e.g. `onnxruntime int8`. */
  readonly backend: string;
  /** Bytes of weights and caches held. */
  readonly memoryBytes: number;
  describe(
    pictures: readonly Uint8Array[],
    request: DescribeRequest,
    hooks: InferenceHooks,
  ): Promise<Caption>;
  close(): Promise<void>;
}

export interface CaptionerOptions extends RuntimeOptions {
  /** Bundle or checkpoint folder, or hub id. */
  readonly model: string;
  readonly onProgress?: (progress: InferenceProgress) => void;
  readonly signal?: AbortSignal;
}

export type OpenCaptioner = (options: CaptionerOptions) => Promise<Captioner>;
