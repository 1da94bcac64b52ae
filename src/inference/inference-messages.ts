import type { ErrorBody } from '../errors';
import type { TokenLogprob } from '../protocol/answer-options';
import type { DescribeRequest, RuntimeOptions } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { Progress } from '../protocol/events';
import type { InferenceSettings } from '../system/settings';
import type { Caption, FeaturesAnswer } from './inference';

/** Setup of the inference thread, its `workerData`. */
export interface InferenceSetup {
  /** Module exporting `openCaptioner`. */
  readonly captionerModule: string;
  /** Used by requests that name no model. */
  readonly defaultModel?: string;
  /** Of requests whose runtime options name none. */
  readonly checkpoint?: string;
  /** CPU threads of a model whose request does not say. */
  readonly threads?: number;
  /** Weights of a checkpoint on the CPU whose request does not say. */
  readonly precision?: RuntimeOptions['precision'];
  /** Default: those of this process's environment. */
  readonly settings?: InferenceSettings;
  /** Beyond this, models are closed, the least recently used first; one always stays. */
  readonly modelLimitBytes: number;
  /** Numbers of cancelled jobs, each at `slotOf(job)`: read between stages, when no message can be received. */
  readonly cancelledJobs: Int32Array<SharedArrayBuffer>;
}

/** Most jobs that may run at once. */
export const jobSlots = 64;

/** Job numbers increase, and few jobs run at a time: two running ones never share a slot. */
export function slotOf(job: number): number {
  return job % jobSlots;
}

/** Sent by the request side to the inference thread. */
export type ToInference =
  | {
      readonly type: 'describe' | 'encode';
      readonly job: number;
      readonly request: DescribeRequest;
      readonly pictures: readonly Uint8Array[];
    }
  | { readonly type: 'cancel'; readonly job: number }
  /** The job that is ready may use the devices. */
  | { readonly type: 'place'; readonly job: number }
  | { readonly type: 'close' };

/** Sent by the inference thread to the request side. */
export type FromInference =
  | { readonly type: 'progress'; readonly job: number; readonly progress: Progress }
  | {
      readonly type: 'token';
      readonly job: number;
      readonly text: string;
      readonly logprobs?: readonly TokenLogprob[];
    }
  /** The job needs no device until it is `ready`, and then waits for its place. */
  | { readonly type: 'aside' | 'ready'; readonly job: number }
  | { readonly type: 'done'; readonly job: number; readonly answer: Caption | FeaturesAnswer }
  | { readonly type: 'failed'; readonly job: number; readonly error: ErrorBody }
  | { readonly type: 'models'; readonly models: readonly LoadedModel[] }
  /** The process must end: see `CaptionerOptions.onDeviceLost`. */
  | { readonly type: 'device-lost'; readonly error: ErrorBody };
