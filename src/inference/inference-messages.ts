import type { ErrorBody } from '../errors';
import type { DescribeRequest } from '../protocol/describe-request';
import type { LoadedModel } from '../protocol/engine-status';
import type { InferenceSettings } from '../system/settings';
import type { Caption, FeaturesAnswer, InferenceProgress } from './inference';

/** How the inference thread is set up. */
export interface InferenceSetup {
  /** Module exporting `openCaptioner`. */
  readonly captionerModule: string;
  /** Used by requests that name no model. */
  readonly defaultModel?: string;
  /** CPU threads of a model whose request does not say. */
  readonly threads?: number;
  /** Default: those of this process's environment. */
  readonly settings?: InferenceSettings;
  /** Models beyond this are closed, least recently used first; one always stays. */
  readonly modelLimitBytes: number;
  /** Numbers of jobs to cancel, a job at `slotOf(job)`: read between stages, where no message can arrive. */
  readonly cancelledJobs: Int32Array<SharedArrayBuffer>;
}

/** Most jobs that are ever under way at once. */
export const jobSlots = 64;

/** Jobs are numbered upwards and few at a time: two under way never share a slot. */
export function slotOf(job: number): number {
  return job % jobSlots;
}

export type ToInference =
  | {
      readonly type: 'describe' | 'encode';
      readonly job: number;
      readonly request: DescribeRequest;
      readonly pictures: readonly Uint8Array[];
    }
  | { readonly type: 'cancel'; readonly job: number }
  | { readonly type: 'close' };

export type FromInference =
  | { readonly type: 'progress'; readonly job: number; readonly progress: InferenceProgress }
  | { readonly type: 'token'; readonly job: number; readonly text: string }
  | { readonly type: 'done'; readonly job: number; readonly answer: Caption | FeaturesAnswer }
  | { readonly type: 'failed'; readonly job: number; readonly error: ErrorBody }
  | { readonly type: 'models'; readonly models: readonly LoadedModel[] }
  /** The process must end: see `CaptionerOptions.onDeviceLost`. */
  | { readonly type: 'device-lost'; readonly error: ErrorBody };
