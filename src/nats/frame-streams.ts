import type { ConsumerInfo, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { SmolvlmError } from '../errors';
import { limits } from '../protocol/limits';
import { type NatsLink, words } from './nats-connection';

/** Nanoseconds in a millisecond. */
const nanos = 1_000_000;
/** How long an answer is kept for a requester that lost its connection. */
const answerMs = 10 * 60_000;

export interface ConsumerTimes {
  /** A hub that reports nothing for this long has lost its frame to the next hub. */
  readonly ackWaitMs: number;
}

/** The server delivers a frame without end; hubs give it up, with an answer. */
const mostDeliveries = -1;

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>;

/** Creates the streams, or checks those that exist. @throws SmolvlmError `nats-stream`, `nats-jetstream` */
export async function ensureStreams(link: NatsLink): Promise<void> {
  const { subjects, replicas } = link;
  const { RetentionPolicy, DiscardPolicy, StorageType } = link.packages.jetstream;
  const common = { discard: DiscardPolicy.Old, storage: StorageType.File, num_replicas: replicas };
  await ensureStream(link, {
    ...common,
    name: subjects.frameStream,
    description: 'smolvlm: frames that wait for a hub; the newest of each camera',
    subjects: [subjects.allFrames],
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
}

async function ensureStream({ manager, packages }: NatsLink, wanted: Wanted): Promise<void> {
  let found: StreamInfo;
  try {
    found = await manager.streams.info(wanted.name);
  } catch (error) {
    if (apiCode(error) !== packages.jetstream.JetStreamApiCodes.StreamNotFound)
      throw streamError(wanted.name, error);
    try {
      found = await manager.streams.add(wanted);
    } catch (cause) {
      throw streamError(wanted.name, cause);
    }
  }
  checkStream(found.config, wanted);
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

/** Creates the consumer of a model's frames, or checks the one that exists. @throws SmolvlmError `nats-stream` */
export async function ensureConsumer(
  link: NatsLink,
  model: string | undefined,
  { ackWaitMs }: ConsumerTimes,
): Promise<ConsumerInfo> {
  const { subjects, manager, packages } = link;
  const name = subjects.consumer(model);
  const filter = subjects.framesOf(model);
  let info = await consumerOf(link, model);
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
      throw streamError(subjects.frameStream, cause);
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
  model: string | undefined,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(subjects.frameStream, subjects.consumer(model));
  } catch (error) {
    const { ConsumerNotFound, StreamNotFound } = packages.jetstream.JetStreamApiCodes;
    const code = apiCode(error);
    if (code === ConsumerNotFound || code === StreamNotFound) return undefined;
    throw streamError(subjects.frameStream, error);
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

/** Whether a message was refused because its subject holds another one already. */
export function isSubjectTaken(error: unknown, { packages }: NatsLink): boolean {
  const { StreamWrongLastSequence, StreamWrongLastSequenceUnknown } = packages.jetstream.JetStreamApiCodes;
  const code = apiCode(error);
  return code === StreamWrongLastSequence || code === StreamWrongLastSequenceUnknown;
}

function streamError(stream: string, cause: unknown): SmolvlmError {
  return new SmolvlmError('nats-stream', `the stream "${stream}" cannot be used: ${words(cause)}`, {
    hint: 'Check the permissions of the account, and the room on the disk of the server.',
    cause,
  });
}

/** Milliseconds in which a consumer expects a sign of work. */
export function ackWaitOf({ config }: ConsumerInfo): number {
  return (config.ack_wait ?? 30_000 * nanos) / nanos;
}
