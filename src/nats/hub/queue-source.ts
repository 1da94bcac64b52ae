import type { Consumer, ConsumerInfo } from '@nats-io/jetstream';
import {
  ackWaitOf,
  type ConsumerTimes,
  ensureConsumer,
  ensureStreams,
  natsStreamError,
} from '../frame-streams';
import type { FrameKind } from '../frame-subjects';
import type { NatsLink } from '../nats-connection';
import { removeAnswered } from './answered-frames';

/** Where a hub takes frames of one kind. */
export interface QueueSource {
  readonly consumer: Consumer;
  /** A hub that reports nothing for this long has lost its frame to the next hub. */
  readonly ackWaitMs: number;
}

/**
 * Makes streams and consumer, or checks and mends those that exist: the server may have lost its store or a part of it,
 * or somebody has deleted a stream.
 * @throws SmolvlmError `nats-stream`, `nats-replicas`, `nats-permission`
 */
export async function openQueueSource(
  link: NatsLink,
  kind: FrameKind,
  times: ConsumerTimes,
): Promise<QueueSource> {
  const isNew = await ensureStreams(link);
  let info = await ensureConsumer(link, kind, times);
  if (isNew) link.connection.publish(link.subjects.newQueue);
  else if (await skipsNewFrames(link, info)) {
    // Another hub may have deleted it.
    await link.manager.consumers.delete(info.stream_name, info.name).catch(() => {});
    info = await ensureConsumer(link, kind, times);
  } else await removeAnswered(link, info);
  return { consumer: link.jetstream.consumers.getConsumerFromInfo(info), ackWaitMs: ackWaitOf(info) };
}

/**
 * Whether the stream has lost its newest frames, which the consumer has given to hubs: nats-server 2.9 ended without power
 * before it wrote them. It stores new frames at their places, and gives those to no hub. Newer servers set the consumer
 * back themselves; with three servers nothing is lost.
 */
async function skipsNewFrames(
  { manager, connection }: NatsLink,
  { stream_name: stream, delivered }: ConsumerInfo,
): Promise<boolean> {
  if (connection.info?.cluster !== undefined) return false;
  const { state } = await manager.streams.info(stream).catch((cause: unknown) => {
    throw natsStreamError(stream, cause);
  });
  return state.last_seq < delivered.stream_seq;
}
