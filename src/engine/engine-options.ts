import type { Inference } from '../inference/inference';
import type { Clock } from '../system/clock';

export interface EngineOptions {
  readonly inference: Inference;
  readonly clock: Clock;
  /** Waiting frames per camera, for requests that do not say. */
  readonly queueCapacity: number;
  /** Requests that name no side get thumbnails of this one. */
  readonly thumbnailSide?: number;
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  /** Time from receipt to answer, for requests that do not say. */
  readonly deadlineMs: number;
  /** How long a request is kept with no reader; its client may come back for it. */
  readonly abandonedMs: number;
  /** Calls `onIdle` this long after the last lease and the last request; never when absent. */
  readonly idleExitMs?: number;
  readonly onIdle?: () => void;
}

/** Options that the command line does not set. */
export const engineDefaults = {
  queueCapacity: 1,
  maxWaiting: 256,
  maxWaitingBytes: 512 * 1024 * 1024,
  deadlineMs: 10 * 60_000,
  abandonedMs: 30_000,
} as const;
