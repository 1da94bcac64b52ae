import type { ErrorBody } from '../errors';
import type { TokenLogprob } from './answer-options';
import type { FeaturesResult } from './features';
import type { FrameResult, Timings } from './frame-result';

/** One of the request's `choices`, with its probability normalised over all of them. */
export interface Choice {
  readonly text: string;
  readonly probability: number;
  /** Sum of the answer's token log-probabilities under the model. */
  readonly logProbability: number;
}

/** The result of a description. */
export interface CaptionResult extends FrameResult {
  readonly text: string;
  /** The parsed text, if the request had a `jsonSchema`. */
  readonly json?: unknown;
  readonly tokenIds: readonly number[];
  readonly promptTokens: number;
  readonly finishReason: 'stop' | 'length' | 'choice';
  readonly choices?: readonly Choice[];
  /** Probability of the best choice, or the geometric mean of the generated tokens' probabilities. */
  readonly confidence?: number;
  /** Of OpenAI's API. */
  readonly logprobs?: readonly TokenLogprob[];
  readonly timingsMs: Timings;
  /** The question: of a conversation, the text of the user's last message. */
  readonly prompt: string;
}

export type DropReason = 'queue-full' | 'superseded' | 'expired' | 'deadline' | 'cancelled' | 'shutdown';

export type ProgressPhase = 'loading' | 'image' | 'vision' | 'prefill' | 'decode';

/** How far the preparation of a model is. */
export interface Preparation {
  readonly done: number;
  readonly total: number;
  readonly secondsLeft?: number;
}

export interface Progress {
  readonly phase: ProgressPhase;
  /** Done of total: stages over all tiles for `vision`, tokens for `prefill` and `decode`. */
  readonly done: number;
  readonly total: number;
  /** e.g. `l3_mlp`. */
  readonly stage?: string;
  /** Of `loading`: estimated from the parts that are ready. */
  readonly secondsLeft?: number;
  /** NPU core that ran the stage; absent on a CPU. */
  readonly core?: number;
  /** A delay, e.g. `npu-slow`, `npu-busy`; the work continues. */
  readonly warning?: ErrorBody;
}

/** One line of the response to `POST /v1/frames/describe` (`application/x-ndjson`); the last is result, features, dropped or error. */
export type EngineEvent =
  | {
      readonly type: 'queued';
      readonly id: string;
      /** Frames waiting in the engine, this one included. */
      readonly waiting: number;
      /** The model that is being prepared meanwhile; the event comes again with each of its parts. */
      readonly preparing?: Preparation;
    }
  | ({ readonly type: 'progress'; readonly id: string } & Progress)
  | {
      readonly type: 'token';
      readonly id: string;
      readonly text: string;
      /** Of OpenAI's API. */
      readonly logprobs?: readonly TokenLogprob[];
    }
  | FinalEvent;

type ResultEvent = { readonly type: 'result'; readonly id: string; readonly result: CaptionResult };
type FeaturesEvent = { readonly type: 'features'; readonly id: string; readonly features: FeaturesResult };
type FailureEvent =
  | { readonly type: 'dropped'; readonly id: string; readonly reason: DropReason; readonly message: string }
  | { readonly type: 'error'; readonly id: string; readonly error: ErrorBody };

/** The event that ends a description. */
export type DescribeFinal = ResultEvent | FailureEvent;

/** The event that ends a request for features. */
export type FeaturesFinal = FeaturesEvent | FailureEvent;

/** The event that ends a request. */
export type FinalEvent = DescribeFinal | FeaturesFinal;

/** The final event of a successful request. */
export type SuccessEvent = ResultEvent | FeaturesEvent;
