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
  /** Present while connected; of a group of hubs, the sums of all hubs. */
  readonly status?: EngineStatus;
  readonly error?: ErrorBody;
  /** Of a group of hubs, while connected. */
  readonly group?: GroupOverview;
}

/** What the sidebar shows about hubs that share a queue. */
export interface GroupOverview {
  readonly hubs: readonly ListedHub[];
  /** Absent if the queue's server did not report in time. */
  readonly queue?: ListedQueue;
}

export interface ListedHub {
  readonly name: string;
  /** Of its loaded models. */
  readonly backends: readonly string[];
  /** Mean load of its NPU's cores, 0 to 1; absent without an NPU. */
  readonly load?: number;
  /** Frames answered in the last minute. */
  readonly lastMinute: number;
}

export interface ListedQueue {
  /** Frames of each camera that wait or are in progress. */
  readonly cameras: Readonly<Record<string, number>>;
  /** Frames that hubs have taken and not answered. */
  readonly working: number;
  /** Of these, those that a hub had taken before. */
  readonly redelivered: number;
  /** Age of the oldest frame; absent if there is none. */
  readonly oldestMs?: number;
}

/** An engine node as the sidebar lists it. */
export interface ListedEngine extends EngineOverview {
  /** Of the node. */
  readonly id: string;
  readonly name: string;
  readonly model: string;
}
