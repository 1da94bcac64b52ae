import type { DescribeRequest } from '../protocol/describe-request';
import type { DoctorReport } from '../protocol/doctor-report';
import type { EngineStatus } from '../protocol/engine-status';
import type { DescribeFinal, EngineEvent, FeaturesFinal } from '../protocol/events';

/** `connecting` also while a local engine starts; `lost` between two attempts; `idle` before the first use, and when a local engine has ended. */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'lost' | 'closed';

export interface DescribeOptions {
  /** Called with every event except the final one, in order. */
  readonly onEvent?: (event: EngineEvent) => void;
  /** Cancels: the request ends as `dropped` with reason `cancelled`. */
  readonly signal?: AbortSignal;
}

/** A request as the caller writes it; the client chooses an id if there is none. */
export type DescribeInput = Omit<DescribeRequest, 'id' | 'task'> & { readonly id?: string };

/** The same for features only. */
export type FeaturesInput = Pick<
  DescribeRequest,
  | 'model'
  | 'runtime'
  | 'camera'
  | 'detail'
  | 'crop'
  | 'masks'
  | 'queue'
  | 'priority'
  | 'maxAgeMs'
  | 'deadlineMs'
  | 'capturedAt'
  | 'thumbnailSide'
> & { readonly id?: string };

/** The client's interface to an engine, local or remote; restarts of the engine are hidden. */
export interface EngineApi {
  readonly state: ConnectionState;
  /**
   * Describes pictures (JPEG, PNG, … bytes, kept until the answer), or the features that `request.features` names instead.
   * Never rejects: it always ends in exactly one result, drop or error.
   */
  describe(
    request: DescribeInput,
    pictures: readonly Uint8Array[],
    options?: DescribeOptions,
  ): Promise<DescribeFinal>;
  /**
   * Encodes pictures; their features are kept for descriptions that name their handles.
   * Never rejects: it always ends in exactly one list of handles, drop or error.
   */
  encode(
    request: FeaturesInput,
    pictures: readonly Uint8Array[],
    options?: DescribeOptions,
  ): Promise<FeaturesFinal>;
  /** Connects to the engine (or starts it) before the first picture. @throws SmolvlmError when it cannot */
  open(): Promise<void>;
  /** @throws SmolvlmError when no engine can be reached; the signal's reason when it aborts */
  status(signal?: AbortSignal): Promise<EngineStatus>;
  /**
   * The doctor's report on the engine's machine.
   * @param model checked against the machine instead of the engine's default model
   * @throws SmolvlmError when no engine can be reached
   */
  doctor(model?: string): Promise<DoctorReport>;
  /** Drops the request as `cancelled`, unless it has ended. */
  cancel(id: string): void;
  /** Calls back on every change of `state`. @returns a function that stops listening */
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Drops unanswered requests (`shutdown`) and ends the lease; the engine itself keeps running. */
  close(): Promise<void>;
}
