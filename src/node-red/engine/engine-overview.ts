import type { ConnectionState } from '../../client/engine-api';
import type { ErrorBody } from '../../errors';
import type { EngineStatus } from '../../protocol/engine-status';
import type { RecentFrame } from './recent-frames';

/** What the sidebar shows of an engine node. */
export interface EngineOverview {
  /** `local`, or the origin of the engine's address; absent when the dialog names none. */
  readonly place?: string;
  readonly state: ConnectionState;
  /** Of the nodes that use it, oldest first; only those that are new to the reader. */
  readonly frames: readonly RecentFrame[];
  /** Frames below this one are forgotten. */
  readonly oldestSequence: number;
  /** Present as long as it is connected. */
  readonly status?: EngineStatus;
  readonly error?: ErrorBody;
}
