import type { ConsumerInfo, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { SmolvlmError } from '../errors';
import { limits } from '../protocol/limits';
import type { FrameKind } from './frame-subjects';
import { LargePictures } from './large-pictures';
import { type NatsLink, words } from './nats-connection';
import { permissionError } from './nats-permission';

/** Nanoseconds in a millisecond. */
const nanos = 1_000_000;
/** How long an answer is kept for a requester that lost its connection. */
export const answerMs = 10 * 60_000;

export interface ConsumerTimes {
  /** A hub that reports nothing for this long has lost its frame to the next hub. */
  readonly ackWaitMs: number;
}

/** The server redelivers a frame without limit; hubs give it up, with an answer. */
const mostDeliveries = -1;

/** Codes of JetStream's API: no servers for the copies, in a cluster and without one. */
const tooFewServers: ReadonlySet<unknown> = new Set([10005, 10074]);

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>;

/**
 * Creates the streams and the bucket of large pictures, or checks those that exist; clients find them. When the stream of
 * frames is new, clients send again what waited in one that is lost.
 * @returns whether the stream of frames is new
 * @throws SmolvlmError `nats-stream`, `nats-replicas`
 */
export async function ensureStreams(link: NatsLink): Promise<boolean> {
  const { subjects, replicas } = link;
  const { RetentionPolicy, DiscardPolicy, StorageType } = link.packages.jetstream;
  const common = { discard: DiscardPolicy.Old, storage: StorageType.File, num_replicas: replicas.count };
  const isNew = await ensureStream(link, {
    ...common,
    name: subjects.frameStream,
    description: 'smolvlm: frames that wait for a hub; the newest of each camera',
    subjects: [...subjects.allFrames],
    retention: RetentionPolicy.Workqueue,
    max_msgs_per_subject: 1,
    max_age: limits.deadlineMs * nanos,
  });
  await ensureStream(link, {
    ...common,
    name: subjects.answerStream,
    description: 'smolvlm: answers, kept for requesters that lost their connection',
    subjects: [...subjects.keptAnswers],
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    max_age: answerMs * nanos,
    max_bytes: 256 * 1024 * 1024,
  });
  const bucket = await new LargePictures(link).ensure().catch((cause: unknown) => {
    throw natsStreamError(subjects.pictureBucket, cause);
  });
  if (replicas.isChosen) await ensureCopies(link, await link.manager.streams.info(bucket));
  return isNew;
}

/** @returns whether it was created */
async function ensureStream(link: NatsLink, wanted: Wanted): Promise<boolean> {
  const { manager, packages, replicas } = link;
  let found: StreamInfo;
  let isNew = false;
  try {
    found = await manager.streams.info(wanted.name);
  } catch (error) {
    if (apiCode(error) !== packages.jetstream.JetStreamApiCodes.StreamNotFound)
      throw natsStreamError(wanted.name, error);
    try {
      found = await manager.streams.add(wanted);
      isNew = true;
    } catch (cause) {
      throw replicas.count > 1 && isTooFewServers(cause)
        ? replicasError(link, cause)
        : natsStreamError(wanted.name, cause);
    }
  }
  checkStream(found.config, wanted);
  if (replicas.isChosen) await ensureCopies(link, found);
  return isNew;
}

/** Changes how many copies a stream has. @throws SmolvlmError `nats-replicas`, `nats-stream` */
async function ensureCopies(link: NatsLink, { config }: StreamInfo): Promise<void> {
  const { count } = link.replicas;
  if (config.num_replicas === count) return;
  // nats-server 2.9 accepts it and keeps one copy.
  if (count > 1 && link.connection.info?.cluster === undefined) throw replicasError(link);
  try {
    await link.manager.streams.update(config.name, { num_replicas: count });
  } catch (cause) {
    throw isTooFewServers(cause) ? replicasError(link, cause) : natsStreamError(config.name, cause);
  }
}

/** Whether a stream was refused because the cluster has fewer servers than the stream copies. */
function isTooFewServers(error: unknown): boolean {
  return tooFewServers.has(apiCode(error));
}

function replicasError({ replicas: { count }, connection }: NatsLink, cause?: unknown): SmolvlmError {
  const received = connection.info?.cluster === undefined ? 'one server without a cluster' : words(cause);
  return new SmolvlmError(
    'nats-replicas',
    `${count} copies of a stream need a cluster of at least ${count} servers with JetStream, received: ${received}`,
    { hint: 'Choose --nats-replicas 1, or add servers to the cluster. See docs/many-hubs.md.', cause },
  );
}

/** @throws SmolvlmError `nats-stream` naming each difference that would change what happens to frames */
export function checkStream(found: Partial<StreamConfig>, wanted: Wanted): void {
  const differences: string[] = [];
  for (const key of ['subjects', 'retention', 'discard', 'max_msgs_per_subject'] as const) {
    const [expected, received] = [wanted[key], found[key]].map((value) =>
      JSON.stringify(Array.isArray(value) ? [...value].sort() : value),
    );
    if (expected !== received) differences.push(`${key} ${expected}, received ${received}`);
  }
  if (differences.length === 0) return;
  throw new SmolvlmError(
    'nats-stream',
    `the stream "${wanted.name}" was made for something else: expected ${differences.join('; ')}`,
    { hint: 'Choose another name with --nats-stream, or delete that stream.' },
  );
}

/** Creates the consumer of frames of a kind, or checks the one that exists. @throws SmolvlmError `nats-stream` */
export async function ensureConsumer(
  link: NatsLink,
  kind: FrameKind,
  { ackWaitMs }: ConsumerTimes,
): Promise<ConsumerInfo> {
  const { subjects, manager, packages } = link;
  const name = subjects.consumer(kind);
  const filter = subjects.framesOf(kind);
  let info = await consumerOf(link, kind);
  if (!info) {
    try {
      info = await manager.consumers.add(subjects.frameStream, {
        durable_name: name,
        filter_subject: filter,
        ack_policy: packages.jetstream.AckPolicy.Explicit,
        ack_wait: ackWaitMs * nanos,
        max_deliver: mostDeliveries,
        max_ack_pending: 10_000,
      });
    } catch (cause) {
      throw natsStreamError(subjects.frameStream, cause);
    }
  }
  const { config } = info;
  if (config.filter_subject === filter && config.ack_policy === 'explicit') return info;
  throw new SmolvlmError(
    'nats-stream',
    `the consumer "${name}" of the stream "${subjects.frameStream}" was made for something else: expected the subject ${filter} and explicit acknowledgement, received ${config.filter_subject} and ${config.ack_policy}`,
    { hint: 'Delete that consumer; a hub makes it again.' },
  );
}

/** @returns undefined if no hub has ever offered the model @throws SmolvlmError `nats-stream` */
export async function consumerOf(
  { subjects, manager, packages }: NatsLink,
  kind: FrameKind,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(subjects.frameStream, subjects.consumer(kind));
  } catch (error) {
    const { ConsumerNotFound, StreamNotFound } = packages.jetstream.JetStreamApiCodes;
    const code = apiCode(error);
    if (code === ConsumerNotFound || code === StreamNotFound) return undefined;
    throw natsStreamError(subjects.frameStream, error);
  }
}

/** Code of an error of JetStream's API, e.g. 10059 for a stream that does not exist. */
export function apiCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Whether a frame is no longer in the stream: it is answered, withdrawn, or replaced by a newer one. */
export async function isRemoved({ manager, subjects }: NatsLink, sequence: number): Promise<boolean> {
  return (await manager.streams.getMessage(subjects.frameStream, { seq: sequence })) === null;
}

/** Whether a frame waits on a subject, or a hub works on it. */
export async function isPlaceTaken({ manager, subjects }: NatsLink, subject: string): Promise<boolean> {
  return (await manager.streams.getMessage(subjects.frameStream, { last_by_subj: subject })) !== null;
}

/** Whether the stream was made again after it had stored a frame at this place: what waited in it is lost. */
export async function isOtherStream({ manager, subjects }: NatsLink, sequence: number): Promise<boolean> {
  return (await manager.streams.info(subjects.frameStream)).state.last_seq < sequence;
}

/** Whether a message was refused because its subject holds another one already. */
export function isSubjectTaken(error: unknown, { packages }: NatsLink): boolean {
  const { StreamWrongLastSequence, StreamWrongLastSequenceUnknown } = packages.jetstream.JetStreamApiCodes;
  const code = apiCode(error);
  return code === StreamWrongLastSequence || code === StreamWrongLastSequenceUnknown;
}

/** The error of a stream that refuses what is asked of it: `nats-permission`, otherwise `nats-stream`. */
export function natsStreamError(stream: string, cause: unknown): SmolvlmError {
  return (
    permissionError(cause) ??
    new SmolvlmError('nats-stream', `the stream "${stream}" cannot be used: ${words(cause)}`, {
      hint: 'Check the permissions of the account, and the free space on the server’s disk.',
      cause,
    })
  );
}

/** Milliseconds in which a consumer expects a sign of work. */
export function ackWaitOf({ config }: ConsumerInfo): number {
  return (config.ack_wait ?? 30_000 * nanos) / nanos;
}
