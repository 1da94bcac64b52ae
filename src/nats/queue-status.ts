import { apiCode } from './frame-streams';
import type { NatsLink } from './nats-connection';

/** What waits in the shared queue. */
export interface QueueStatus {
  /** Frames of each camera that wait or are in progress. */
  readonly cameras: Readonly<Record<string, number>>;
  /** Frames that hubs have taken and not answered. */
  readonly working: number;
  /** Of these, those that a hub had taken before. */
  readonly redelivered: number;
  /** Age of the oldest frame that waits or is in progress; absent if there is none. */
  readonly oldestMs?: number;
}

/** @returns an empty queue if no hub has made one yet */
export async function queueStatus(link: NatsLink, now = Date.now()): Promise<QueueStatus> {
  const { manager, subjects, packages } = link;
  const stream = subjects.frameStream;
  try {
    const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
    const cameras: Record<string, number> = {};
    for (const [subject, count] of Object.entries(state.subjects ?? {})) {
      const camera = subjects.cameraOf(subject);
      cameras[camera] = (cameras[camera] ?? 0) + count;
    }
    let working = 0;
    let redelivered = 0;
    for await (const consumer of manager.consumers.list(stream)) {
      working += consumer.num_ack_pending;
      redelivered += consumer.num_redelivered;
    }
    const oldestMs = Math.max(0, now - Date.parse(state.first_ts));
    return { cameras, working, redelivered, ...(state.messages > 0 ? { oldestMs } : {}) };
  } catch (error) {
    if (apiCode(error) !== packages.jetstream.JetStreamApiCodes.StreamNotFound) throw error;
    return { cameras: {}, working: 0, redelivered: 0 };
  }
}
