import { setTimeout as delay } from 'node:timers/promises';
import type { PubAck } from '@nats-io/jetstream';
import { isErrorBody, SmolvlmError } from '../../errors';
import { featuresGone } from '../../protocol/features';
import { defined } from '../../system/defined';
import {
  type DirectAnswer,
  encodeFrame,
  idHeader,
  isUrgent,
  layout,
  layoutHeader,
  objectHeader,
} from '../frame-message';
import { isSubjectTaken } from '../frame-streams';
import type { FrameKind } from '../frame-subjects';
import { exceedsMessage, LargePictures } from '../large-pictures';
import { isTransient, type NatsLink, ServerNotReady, words } from '../nats-connection';
import { permissionError } from '../nats-permission';
import { FrameConsumers } from './frame-consumers';
import { FramePlaces } from './frame-places';
import type { NatsRequest } from './nats-request';

const pauseMs = 250;

type FramePlaceTaken = NonNullable<NatsRequest['place']>;

/** A request that is ready to be stored. */
interface Sending {
  /** @returns undefined once the request has ended */
  send(subject: string, expect?: { readonly lastSubjectSequence: number }): Promise<PubAck | undefined>;
  confirm(taken: FramePlaceTaken): Promise<void>;
}

/** The places of a queue whose waiting frames stay. */
interface FreePlaces {
  readonly kind: FrameKind;
  readonly place: (slot: number) => string;
  readonly capacity: number;
  readonly policy: 'oldest' | 'reject';
}

/** A request that has its place in the order of its camera's frames. */
export interface ReservedFrame {
  /**
   * Puts it into the queue; an older one that is put there later is not stored.
   * @throws SmolvlmError `nats-no-hub`, `nats-publish`, `engine-queue-full`; TypeError for what is not JSON
   */
  publish(): Promise<void>;
  /** It is answered already: it replaces no other frame. */
  release(): void;
}

/** Puts requests into the shared queue by their queue policy. */
export class FramePublisher {
  readonly #link: NatsLink;
  readonly #pictures: LargePictures;
  readonly #consumers: FrameConsumers;
  readonly #places = new FramePlaces();
  readonly #defaultCapacity: number;
  readonly #onNewest: (place: FramePlaceTaken) => void;

  /**
   * @param onNewest told of each request that may have taken the place of another
   * @param defaultCapacity frames of a camera that may wait, for requests that do not say
   */
  constructor(link: NatsLink, onNewest: (place: FramePlaceTaken) => void, defaultCapacity = 1) {
    this.#link = link;
    this.#onNewest = onNewest;
    this.#defaultCapacity = defaultCapacity;
    this.#pictures = new LargePictures(link);
    this.#consumers = new FrameConsumers(link);
  }

  /** Decides where a request waits, in the order in which requests come. */
  reserve(request: NatsRequest): ReservedFrame {
    const { model, camera = '', queue = {} } = request.request;
    const { policy = 'newest', capacity = this.#defaultCapacity, group = '' } = queue;
    const kind = { model, urgent: isUrgent(request.request) };
    const place = (slot: number): string => this.#link.subjects.frame({ ...kind, camera, group, slot });
    if (policy !== 'newest') {
      return {
        publish: () => this.#publishIfFree(request, { kind, place, capacity, policy }),
        release: () => {},
      };
    }
    const { subject, enter, release } = this.#places.reserve(request, { capacity, place });
    return {
      publish: () => {
        enter();
        return this.#publishNewest(request, kind, subject);
      },
      release,
    };
  }

  async #publishNewest(request: NatsRequest, kind: FrameKind, subject: string): Promise<void> {
    const sending = await this.#prepare(request, kind);
    const ack = await sending?.send(subject);
    if (!sending || !ack) return;
    const taken = { subject, sequence: ack.seq };
    const confirmed = sending.confirm(taken);
    // Other clients are told by the server; this one also if the connection is lost just now.
    this.#onNewest(taken);
    const { connection, subjects } = this.#link;
    connection.publish(subjects.newest(subject), JSON.stringify(taken));
    await confirmed;
  }

  /** Stores it in the first free place of its queue. */
  async #publishIfFree(request: NatsRequest, { kind, place, capacity, policy }: FreePlaces): Promise<void> {
    const sending = await this.#prepare(request, kind);
    if (!sending) return;
    for (let slot = 0; slot < capacity; slot++) {
      const subject = place(slot);
      const ack = await sending.send(subject, { lastSubjectSequence: 0 }).catch((error: unknown) => {
        if (isSubjectTaken(error, this.#link)) return 'taken' as const;
        throw error;
      });
      if (ack === 'taken') continue;
      if (ack) await sending.confirm({ subject, sequence: ack.seq });
      return;
    }
    const { camera = '' } = request.request;
    const full = `the queue of camera "${camera}" is full (${capacity} waiting or in progress)`;
    if (policy === 'oldest') {
      request.drop('queue-full', full);
      return;
    }
    throw new SmolvlmError('engine-queue-full', full, {
      hint: 'Send frames less often, raise the queue capacity, or let the newest frame replace the oldest.',
    });
  }

  /** @returns undefined for a request that has ended meanwhile */
  async #prepare(request: NatsRequest, kind: FrameKind): Promise<Sending | undefined> {
    const { id } = request.request;
    // The server refuses a repeated message id for two minutes, also of a message that it has lost.
    const msgID = request.timesLost === 0 ? id : `${id} ${request.timesLost}`;
    await this.#untilReached(request, () => this.#check(kind));
    if (request.signal.aborted) return undefined;
    const content = encodeFrame({ request: request.request, pictures: request.pictures });
    const headers = this.#link.packages.transport.headers();
    headers.set(layoutHeader, layout);
    headers.set(idHeader, id);
    let body = content;
    if (exceedsMessage(this.#link, content.byteLength)) {
      await this.#pictures.put(id, content);
      void request.final.then(() => this.#pictures.remove(id));
      headers.set(objectHeader, id);
      body = new Uint8Array();
    }
    // Asked for while the frame is sent: the frame does not wait for it.
    const waiting = this.#consumers.waiting(kind);
    return {
      send: (subject, expect) =>
        this.#send(request, kind, subject, body, { headers, msgID, ...defined({ expect }) }),
      confirm: async (taken) => {
        request.placed(taken);
        const count = await waiting;
        request.confirm(count, this.#consumers.ackWaitMs(kind));
      },
    };
  }

  /** Sends a request about features to the hub that keeps them. @throws SmolvlmError `features-gone`, `nats-publish` */
  async publishTo(instance: string, request: NatsRequest): Promise<void> {
    const { connection, subjects } = this.#link;
    const body = encodeFrame({ request: request.request, pictures: request.pictures });
    let answer: string;
    try {
      answer = (await connection.request(subjects.hub(instance), body, { timeout: 5_000 })).string();
    } catch (cause) {
      throw (
        permissionError(cause) ??
        new SmolvlmError(featuresGone, `the hub that keeps these features does not answer: ${words(cause)}`, {
          cause,
        })
      );
    }
    const taken: unknown = JSON.parse(answer);
    if (isErrorBody(taken)) throw SmolvlmError.from(taken);
    if (!isTaken(taken)) throw new SmolvlmError('nats-message', `a hub answered ${answer.slice(0, 200)}`);
    request.confirmAlone(taken.ackWaitMs);
  }

  /** The message id keeps a request single that is sent again. @returns undefined once it has ended */
  async #send(
    request: NatsRequest,
    kind: FrameKind,
    subject: string,
    body: Uint8Array,
    options: Parameters<NatsLink['jetstream']['publish']>[2],
  ): Promise<PubAck | undefined> {
    try {
      return await this.#untilReached(request, async () => {
        await this.#check(kind);
        if (request.isOvertaken || request.signal.aborted)
          throw new ServerNotReady('it has stopped in the meantime');
        return await this.#link.jetstream.publish(subject, body, options).catch((error: unknown) => {
          if (isTransient(error)) this.#consumers.doubt(kind);
          throw error;
        });
      });
    } catch (cause) {
      throw cause instanceof SmolvlmError || isSubjectTaken(cause, this.#link) ? cause : publishError(cause);
    }
  }

  /** @throws SmolvlmError `nats-no-hub` */
  async #check(kind: FrameKind): Promise<void> {
    if (!(await this.#consumers.isOffered(kind))) throw noHub(kind.model);
  }

  /** Tries again while the server is out of reach. @returns undefined once the request has ended, or is overtaken */
  async #untilReached<T>(request: NatsRequest, attempt: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      if (request.isOvertaken) request.supersede();
      if (request.signal.aborted) return undefined;
      try {
        return await attempt();
      } catch (error) {
        if (!isTransient(error) || this.#link.connection.isClosed()) throw error;
      }
      await delay(pauseMs);
    }
  }
}

function isTaken(value: unknown): value is DirectAnswer {
  return value !== null && typeof value === 'object' && 'ackWaitMs' in value && Number(value.ackWaitMs) > 0;
}

function publishError(cause: unknown): SmolvlmError {
  return (
    permissionError(cause) ??
    new SmolvlmError('nats-publish', `the request could not be put into the queue: ${words(cause)}`, {
      hint: 'Check the free space on the NATS server’s disk, and the permissions of the account.',
      cause,
    })
  );
}

function noHub(model: string | undefined): SmolvlmError {
  const what = model === undefined ? 'no hub uses this queue' : `no hub has offered the model "${model}"`;
  return new SmolvlmError('nats-no-hub', what, {
    hint: 'Start one: smolvlm serve --nats URL --model MODEL. A hub offers its --model and the names given by --alias.',
  });
}
