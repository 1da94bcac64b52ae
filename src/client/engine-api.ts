import type { DescribeRequest } from '../protocol/describe-request';
import type { DoctorReport } from '../protocol/doctor-report';
import type { EngineStatus } from '../protocol/engine-status';
import type { DescribeFinal, EngineEvent, FeaturesFinal } from '../protocol/events';

/** `connecting` also while a local engine starts; `lost` between two tries; `idle` before the first use. */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'lost' | 'closed';

export interface DescribeOptions {
  /** Every event but the final one, in order. */
  readonly onEvent?: (event: EngineEvent) => void;
  /** Cancels: the request ends as `dropped` with reason `cancelled`. */
  readonly signal?: AbortSignal;
}

/** A request as a caller writes it; the client chooses the id when there is none. */
export type DescribeInput = Omit<DescribeRequest, 'id' | 'task'> & { readonly id?: string };

/** The same for a frame that is only to be seen. */
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

/** An engine as its clients see it: local or remote, started or joined, restarted or not. */
export interface EngineApi {
  readonly state: ConnectionState;
  /**
   * Describes pictures (JPEG, PNG, … bytes, kept until the answer), or what `request.features` names in their place.
   * Never rejects: whatever happens, it ends in exactly one result, drop or error.
   */
  describe(
    request: DescribeInput,
    pictures: readonly Uint8Array[],
    options?: DescribeOptions,
  ): Promise<DescribeFinal>;
  /**
   * Has pictures seen, and their features kept for descriptions that name their handles.
   * Never rejects: it ends in exactly one list of handles, drop or error.
   */
  encode(
    request: FeaturesInput,
    pictures: readonly Uint8Array[],
    options?: DescribeOptions,
  ): Promise<FeaturesFinal>;
  /** Joins (or starts) the engine ahead of the first picture. @throws SmolvlmError when it cannot */
  open(): Promise<void>;
  /** @throws SmolvlmError when no engine can be reached; the signal's reason when it aborts */
  status(signal?: AbortSignal): Promise<EngineStatus>;
  /**
   * What the engine's machine has and lacks.
   * @param model compared with the machine in place of the engine's own default
   * @throws SmolvlmError when no engine can be reached
   */
  doctor(model?: string): Promise<DoctorReport>;
  /** The request, if it has not ended, ends as dropped: `cancelled`. */
  cancel(id: string): void;
  /** Calls back on every change of `state`. @returns how to stop listening */
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Ends what is unanswered as dropped (`shutdown`) and gives the lease back; the engine itself lives on. */
  close(): Promise<void>;
}
