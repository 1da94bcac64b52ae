import type { ConsumerInfo } from '@nats-io/jetstream';
import { natsStreamError } from '../frame-streams';
import type { NatsLink } from '../nats-connection';

/**
 * Removes frames that hubs have acknowledged and the stream holds again: the server had ended, e.g. without power or on a
 * full disk, before it wrote that they were removed. It gives them to no hub; they would count as waiting, and keep
 * their places, for an hour.
 *
 * One by one: when nats-server 2.9 purges a range, its consumer forgets the frames in progress after it.
 * @throws SmolvlmError `nats-stream`, `nats-permission`
 */
export async function removeAnswered(link: NatsLink, consumer: ConsumerInfo): Promise<void> {
  try {
    await removeUpTo(link, consumer);
  } catch (cause) {
    throw natsStreamError(link.subjects.frameStream, cause);
  }
}

async function removeUpTo(
  { manager: { streams }, subjects: { frameStream } }: NatsLink,
  { config, created, ack_floor: { stream_seq: lastAnswered } }: ConsumerInfo,
): Promise<void> {
  const stream = await streams.info(frameStream);
  const { first_seq: first, messages } = stream.state;
  // Made again after its consumer was looked up: its frames are others, at the same places.
  if (messages === 0 || Date.parse(created) < Date.parse(stream.created)) return;
  const filter = config.filter_subject as string;
  let sequence = first;
  while (sequence <= lastAnswered) {
    // In JetStream's API, not in its client's types.
    const next = { seq: sequence, next_by_subj: filter };
    const frame = await streams.getMessage(frameStream, next);
    if (frame === null || frame.seq > lastAnswered) return;
    // Another hub may have removed it.
    await streams.deleteMessage(frameStream, frame.seq, false).catch(() => {});
    sequence = frame.seq + 1;
  }
}
