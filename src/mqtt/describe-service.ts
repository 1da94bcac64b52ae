import { setMaxListeners } from 'node:events';
import { ImageChildren } from '../client/children/image-children';
import type { EngineApi } from '../client/engine-api';
import { errorBody, SmolvlmError } from '../errors';
import type { EngineEvent } from '../protocol/events';
import { defined } from '../system/defined';
import { shownText } from '../system/shown-address';
import { checkResponseTopic, failureMessage, replyMessage } from './answer-messages';
import { CameraLine } from './camera-line';
import { describeCamera } from './describe-camera';
import { DescribeTopics } from './describe-topics';
import { type FrigateSink, FrigateSource } from './frigate/frigate-source';
import { PictureMemory } from './picture-memory';
import type { PreparePicture } from './published-picture';
import { Publisher } from './publisher';
import type { CameraAnswer, CameraRequest } from './requests/camera-request';
import { type DescribePayload, describePayload } from './requests/describe-payload';
import { RepeatedRequests } from './requests/repeated-requests';
import type { ServiceSettings } from './service-settings';
import { checkCameraName, isPublishTopic, mostCameras } from './topic-names';
import type { IncomingMessage, MqttTransport } from './transport/mqtt-transport';

export interface DescribeServiceOptions {
  readonly transport: MqttTransport;
  readonly engine: EngineApi;
  readonly settings: ServiceSettings;
  /** This package's version, for Home Assistant. */
  readonly version: string;
  /** Fills a prompt's template in. */
  readonly fillPrompt: (template: string, view: object) => string;
  /** Makes the pictures that are published; by default in a separate process. */
  readonly prepare?: PreparePicture;
  readonly onProgress?: (camera: string, event: EngineEvent) => void;
  /** An error that does not belong to a request. */
  readonly onTrouble?: (error: SmolvlmError) => void;
  /** Called once for each request, when it has ended. */
  readonly onAnswer?: (request: CameraRequest, answer: CameraAnswer) => void;
}

const empty: DescribePayload = { request: {} };

/** Describes pictures on request over MQTT, and announces the cameras to Home Assistant. */
export class DescribeService {
  readonly #options: DescribeServiceOptions;
  readonly #topics: DescribeTopics;
  readonly #lines = new Map<string, CameraLine<CameraRequest>>();
  readonly #memory = new PictureMemory();
  readonly #publisher: Publisher;
  readonly #closing = new AbortController();
  readonly #frigate: FrigateSource | undefined;
  /** Requests that have not ended yet. */
  readonly #open = new Set<CameraRequest>();
  readonly #repeated = new RepeatedRequests((request) => this.#open.has(request));
  /** Services below this base, without it: requests with slashes in the camera's name may be theirs. */
  readonly #nested = new Set<string>();
  readonly #images = new ImageChildren();
  #closed = false;

  /** @throws SmolvlmError `mqtt-topic` for a base that no topic can begin with */
  constructor(options: DescribeServiceOptions) {
    const { transport, settings, version, onTrouble } = options;
    this.#options = options;
    setMaxListeners(0, this.#closing.signal);
    this.#topics = new DescribeTopics(settings.base);
    this.#publisher = new Publisher({
      ...{ transport, topics: this.#topics, settings, version },
      prepare: options.prepare ?? ((picture, size) => this.#images.prepare(picture, size)),
      onTrouble: (error) => onTrouble?.(error),
    });
    const { frigate } = settings;
    this.#frigate = frigate && new FrigateSource(frigate, this.#frigateSink(), this.#closing.signal);
  }

  /** Subscribes, and announces the cameras at each connection. */
  start(): void {
    const { transport, settings } = this.#options;
    const { describeFilter, misplacedFilters, availability, nestedAvailabilityFilters } = this.#topics;
    const { qos } = settings;
    for (const filter of nestedAvailabilityFilters) {
      transport.subscribe(filter, qos, ({ topic }) => this.#onNested(topic));
    }
    for (const filter of [describeFilter, ...misplacedFilters]) {
      transport.subscribe(filter, qos, (message) => this.#onDescribe(message));
    }
    this.#frigate?.subscribe(transport, qos);
    transport.subscribe(availability, qos, (message) => this.#onAvailability(message));
    transport.onConnected(() => this.#publisher.announce());
    if (transport.connected) this.#publisher.announce();
  }

  /**
   * Drops the open requests, publishes `offline` and releases the transport.
   * @param forget whether to remove the cameras from Home Assistant, too
   */
  async close(forget = false): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const line of this.#lines.values()) line.withdraw();
    for (const request of this.#open) this.#shutDown(request);
    await this.#publisher.close(forget);
    this.#closed = true;
    this.#images.close();
    await this.#options.transport.close(forget);
  }

  #onDescribe(message: IncomingMessage): void {
    const topic = this.#topics.parse(message.topic);
    if (topic === undefined || this.#closed) return;
    if (topic.kind === 'wrong-name') {
      this.#refuseName(topic.name, message);
      return;
    }
    const { camera } = topic;
    const request = { camera, payload: empty, receivedAt: new Date().toISOString() };
    try {
      const payload = describePayload(message.payload);
      const reply = this.#reply(message);
      // A request that is answered to its client only leaves nothing behind for others.
      if (payload.picture instanceof Uint8Array && !reply.reply) this.#memory.set(camera, payload.picture);
      // The broker keeps retained messages and delivers them again at each reconnection: they are not new requests.
      if (message.retained) return;
      const asked = { ...request, payload, ...reply };
      if (this.#repeated.isRepeated(asked, message.payload)) return;
      if (this.#closing.signal.aborted) this.#shutDown(asked);
      else this.#offer(asked);
    } catch (error) {
      this.#fail({ ...request, ...this.#replyIfUsable(message) }, error);
    }
  }

  /** A topic that this service would never answer is answered with an error, so that the client learns why. */
  #refuseName(name: string, message: IncomingMessage): void {
    if (message.retained || [...this.#nested].some((base) => name.startsWith(`${base}/`))) return;
    const reply = this.#replyIfUsable(message);
    if (!reply.reply && !isPublishTopic(this.#topics.error(name))) return;
    const request = { camera: name, payload: empty, receivedAt: new Date().toISOString(), ...reply };
    try {
      checkCameraName(name);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #onNested(topic: string): void {
    const nested = topic.slice(this.#topics.base.length + 1, topic.lastIndexOf('/'));
    if (this.#nested.size < mostCameras) this.#nested.add(nested);
  }

  /**
   * After a power cut the broker notices the lost connection only when its keepalive has run out, a minute or two
   * after this service is back with another client id. It publishes `offline` for the lost connection then.
   */
  #onAvailability({ payload, retained }: IncomingMessage): void {
    if (this.#closing.signal.aborted) return;
    this.#publisher.onAvailability(Buffer.from(payload).toString('utf8'), retained);
  }

  #frigateSink(): FrigateSink {
    return {
      remember: (camera, picture) => this.#memory.set(camera, picture),
      offer: (camera, payload, more) => {
        const request = { camera, payload, receivedAt: new Date().toISOString(), ...more };
        try {
          this.#offer(request);
        } catch (error) {
          this.#fail(request, error);
        }
      },
      fail: (error) => this.#options.onTrouble?.(error),
    };
  }

  /** @throws SmolvlmError `mqtt-cameras` */
  #offer(request: CameraRequest): void {
    const { camera } = request;
    let line = this.#lines.get(camera);
    if (!line) {
      if (this.#lines.size >= mostCameras) {
        const message = `"${camera}" is one camera too many: ${mostCameras} have sent requests`;
        const hint = 'Use the same few names below the base topic, one for each camera.';
        throw new SmolvlmError('mqtt-cameras', message, { hint });
      }
      line = new CameraLine(
        (each) => this.#describe(each),
        (each) => this.#supersede(each),
      );
      this.#lines.set(camera, line);
    }
    this.#open.add(request);
    line.offer(request);
  }

  #supersede(request: CameraRequest): void {
    const message = `a newer request for camera "${request.camera}" took its place`;
    this.#end(request, { kind: 'dropped', reason: 'superseded', message });
  }

  #shutDown(request: CameraRequest): void {
    this.#open.add(request);
    this.#end(request, { kind: 'dropped', reason: 'shutdown', message: 'the MQTT service is closing' });
  }

  async #describe(request: CameraRequest): Promise<void> {
    const { signal } = this.#closing;
    this.#end(request, await describeCamera(request, { ...this.#options, memory: this.#memory, signal }));
  }

  /** Ends a request that was never open. */
  #fail(request: CameraRequest, error: unknown): void {
    this.#open.add(request);
    this.#end(request, { kind: 'error', error: errorBody(error) });
  }

  /** Publishes the answer. Does nothing for a request that has ended before. */
  #end(request: CameraRequest, given: CameraAnswer): void {
    if (!this.#open.delete(request)) return;
    if (given.kind !== 'caption') this.#repeated.forget(request);
    const answer = withoutSecrets(given);
    const { settings, onAnswer, onTrouble } = this.#options;
    const { qos } = settings;
    if (request.reply) this.#publisher.send(replyMessage(request.reply, qos, request, answer));
    else if (answer.kind === 'caption') this.#publisher.sendCaption(answer.attributes, answer.picture);
    else this.#publisher.send(failureMessage(this.#topics, qos, request, answer));
    try {
      onAnswer?.(request, answer);
    } catch (cause) {
      const { message } = errorBody(cause);
      onTrouble?.(new SmolvlmError('mqtt-output', `an answer could not be passed on: ${message}`, { cause }));
    }
  }

  #reply({ responseTopic, correlationData }: IncomingMessage): Pick<CameraRequest, 'reply'> {
    if (responseTopic === undefined || responseTopic === '') return {};
    const topic = checkResponseTopic(this.#topics, responseTopic);
    return { reply: { topic, ...defined({ correlationData }) } };
  }

  #replyIfUsable(message: IncomingMessage): Pick<CameraRequest, 'reply'> {
    try {
      return this.#reply(message);
    } catch {
      return {};
    }
  }
}

/** An error may repeat an address; it is published and shown. */
function withoutSecrets(answer: CameraAnswer): CameraAnswer {
  if (answer.kind !== 'error') return answer;
  const { error } = answer;
  return { ...answer, error: { ...error, message: shownText(error.message) } };
}
