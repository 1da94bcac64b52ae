import { AbstractEngineClient } from '../../client/abstract-engine-client';
import type { DescribeOptions, FeaturesInput } from '../../client/engine-api';
import { SmolvlmError } from '../../errors';
import type { DescribeRequest } from '../../protocol/describe-request';
import type { DoctorReport } from '../../protocol/doctor-report';
import type { EngineStatus } from '../../protocol/engine-status';
import type { DescribeFinal, FeaturesFinal, FinalEvent } from '../../protocol/events';
import { publishCameraAnswer } from '../camera-answers';
import { groupStatus, type HubStatus } from '../hub-status';
import { certainAnswer } from '../kept-answers';
import type { NatsAddress } from '../nats-address';
import { closeNats, connectError, type NatsLink, openNats } from '../nats-connection';
import { listen } from '../nats-permission';
import { type QueueStatus, queueStatus } from '../queue-status';
import { checkSubjectFields } from '../subject-fields';
import { FeatureHubs } from './feature-hubs';
import { FramePublisher } from './frame-publisher';
import { hubDoctor, hubStatuses } from './hub-questions';
import { NatsRequest } from './nats-request';
import { RememberedAnswers } from './remembered-answers';

export interface NatsEngineOptions {
  /** Time from request to answer, for requests without a deadline. */
  readonly deadlineMs?: number;
  /** Limit on the pictures kept for unanswered requests. */
  readonly maxKeptBytes?: number;
  /** Frames of a camera that may wait, for requests that do not say. */
  readonly queueCapacity?: number;
  /** How often requests that wait are looked up in the queue. */
  readonly lookUpMs?: number;
}

interface Opened {
  readonly link: NatsLink;
  readonly publisher: FramePublisher;
}

/** A client of a group of hubs, which take the requests from a shared queue. Opens nothing before its first use. */
export class NatsEngine extends AbstractEngineClient<NatsRequest> {
  readonly #address: NatsAddress;
  readonly #options: NatsEngineOptions;
  readonly #featureHubs = new FeatureHubs();
  readonly #answered = new RememberedAnswers();
  #opened: Promise<Opened> | undefined;

  constructor(address: NatsAddress, options: NatsEngineOptions = {}) {
    super(options.maxKeptBytes);
    this.#address = address;
    this.#options = options;
  }

  override async encode(
    input: FeaturesInput,
    pictures: readonly Uint8Array[],
    options?: DescribeOptions,
  ): Promise<FeaturesFinal> {
    const final = await super.encode(input, pictures, options);
    if (final.type === 'features') this.#featureHubs.add(final.features.handles);
    return final;
  }

  async open(): Promise<void> {
    await this.#open();
  }

  async status(signal?: AbortSignal): Promise<EngineStatus> {
    return this.statusOf(await this.hubs(signal));
  }

  /** The status of these hubs as one engine's. @throws SmolvlmError `nats-no-hub` */
  statusOf(hubs: readonly HubStatus[]): EngineStatus {
    const status = groupStatus(hubs);
    if (status) return status;
    throw new SmolvlmError('nats-no-hub', `no hub answers at ${this.#place}`, {
      hint: 'Start one: smolvlm serve --nats URL --model MODEL.',
    });
  }

  /** What each hub says about itself; those that do not answer in time are left out. */
  async hubs(signal?: AbortSignal): Promise<HubStatus[]> {
    const { link } = await this.#open();
    signal?.throwIfAborted();
    const hubs = await hubStatuses(link);
    signal?.throwIfAborted();
    return hubs;
  }

  /** What waits in the queue. */
  async queue(): Promise<QueueStatus> {
    const { link } = await this.#open();
    return queueStatus(link);
  }

  async doctor(model = ''): Promise<DoctorReport> {
    const { link } = await this.#open();
    return hubDoctor(link, this.#place, model);
  }

  /** Publishes an answer for readers of the camera, such as dashboards; see `publishCameraAnswer`. */
  async publishAnswer(camera: string, final: DescribeFinal): Promise<void> {
    const { link } = await this.#open();
    publishCameraAnswer(link, camera, final);
  }

  protected async disconnect(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    if (opened) await closeNats(opened.link);
  }

  get #place(): string {
    return this.#address.servers.join(', ');
  }

  protected async send(
    request: DescribeRequest,
    pictures: readonly Uint8Array[],
    options: DescribeOptions,
    chosenId: string | undefined,
  ): Promise<FinalEvent> {
    const known = chosenId === undefined ? undefined : this.#answered.get(chosenId);
    if (known && this.state !== 'closed') return known;
    const final = await this.requests.run(request, pictures, options, () => {
      const pending = new NatsRequest(request, pictures, options.onEvent ?? (() => {}));
      const answer = (): Promise<FinalEvent> => {
        pending.begin(this.#options.deadlineMs ?? 10 * 60_000);
        const published = this.#publish(pending, chosenId !== undefined);
        pending.sent = published.catch((error: unknown) => pending.fail(error));
        return pending.final;
      };
      return { pending, answer };
    });
    if (chosenId !== undefined) this.#answered.add(chosenId, final);
    return final;
  }

  async #publish(pending: NatsRequest, mayBeAnswered: boolean): Promise<void> {
    checkSubjectFields(pending.request);
    const { link, publisher } = await this.#open();
    if (pending.signal.aborted) return;
    const { id, features } = pending.request;
    const { publish, release } = features
      ? {
          publish: async () => publisher.publishTo(this.#featureHubs.hubOf(features), pending),
          release: () => {},
        }
      : publisher.reserve(pending);
    const kept = mayBeAnswered ? await certainAnswer(link, id, pending.signal) : undefined;
    if (kept) pending.end(kept);
    if (pending.signal.aborted) {
      release();
      return;
    }
    pending.listen(link, () => this.#sendAgain([pending]), this.#options.lookUpMs);
    await publish();
  }

  #open(): Promise<Opened> {
    if (this.state === 'closed') throw new SmolvlmError('client-closed', 'the client was closed');
    this.#opened ??= this.#connect().catch((error: unknown) => {
      this.#opened = undefined;
      this.requests.setState('lost');
      throw error;
    });
    return this.#opened;
  }

  async #connect(): Promise<Opened> {
    this.requests.setState('connecting');
    const link = await openNats(this.#address, 'smolvlm client');
    await this.#listen(link);
    void this.#watch(link);
    this.requests.setState('connected');
    const onNewest = (place: NatsRequest['place']): void => this.#onNewest(place);
    return { link, publisher: new FramePublisher(link, onNewest, this.#options.queueCapacity) };
  }

  /** @throws SmolvlmError `nats-permission` */
  async #listen({ connection, subjects }: NatsLink): Promise<void> {
    let refused: SmolvlmError | undefined;
    listen(connection, subjects.allNewest, {
      onMessage: (message) => {
        if (message.subject === subjects.newQueue) this.#sendAgain(this.requests);
        else this.#onNewest(parsePlace(message.string()));
      },
      onRefused: (error) => {
        refused = error;
      },
    });
    await connection.flush();
    if (!refused) return;
    await connection.close();
    throw refused;
  }

  /** The connection is opened again by itself; answers missed meanwhile are looked up. */
  async #watch({ connection }: NatsLink): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.requests.setState('lost');
      if (type !== 'reconnect') continue;
      this.requests.setState('connected');
      for (const request of this.requests) {
        void request.recover().then((isLost) => isLost && this.#sendAgain([request]));
      }
    }
    // The connection was closed permanently, for example because the login was revoked.
    this.#opened = undefined;
    if (this.state === 'closed') return;
    this.requests.setState('lost');
    const error = connectError(this.#address.servers, await connection.closed());
    for (const request of this.requests) request.fail(error);
  }

  /** Puts the requests that waited in a lost queue into the new one. */
  #sendAgain(requests: Iterable<NatsRequest>): void {
    for (const request of requests) {
      if (!request.isWaiting) continue;
      request.place = undefined;
      request.timesLost += 1;
      request.sent = this.#open()
        .then(({ publisher }) => publisher.reserve(request).publish())
        .catch((error: unknown) => request.fail(error));
    }
  }

  #onNewest(newest: NatsRequest['place']): void {
    for (const request of this.requests) {
      const { place } = request;
      if (place && place.subject === newest?.subject && place.sequence < newest.sequence) request.replaced();
    }
  }
}

/** @returns undefined if another program published something else on the subject */
function parsePlace(text: string): NatsRequest['place'] {
  try {
    const { subject, sequence } = JSON.parse(text) as Record<string, unknown>;
    return typeof subject === 'string' && typeof sequence === 'number' ? { subject, sequence } : undefined;
  } catch {
    return undefined;
  }
}
