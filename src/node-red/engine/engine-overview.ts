import type { ConnectionState } from '../../client/engine-api';
import type { ErrorBody } from '../../errors';
import type { EngineStatus } from '../../protocol/engine-status';
import type { RecentFrame } from './recent-frames';

/** What the sidebar shows about an engine node. */
export interface EngineOverview {
  /** `local`, or the origin of the engine's address; absent if the address is invalid. */
  readonly place?: string;
  readonly state: ConnectionState;
  /** Frames of the nodes that use the engine, oldest first; only those that the reader does not have. */
  readonly frames: readonly RecentFrame[];
  /** Frames with a lower number are no longer kept. */
  readonly oldestSequence: number;
  /** Present while connected. */
  readonly status?: EngineStatus;
  readonly error?: ErrorBody;
}

/** An engine node as the sidebar lists it. */
export interface ListedEngine extends EngineOverview {
  /** Of the node. */
  readonly id: string;
  readonly name: string;
  readonly model: string;
}
