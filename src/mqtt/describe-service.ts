import { setMaxListeners } from 'node:events';
import type { EngineApi } from '../client/engine-api';
import { errorBody, SmolvlmError } from '../errors';
import type { EngineEvent } from '../protocol/events';
import { answerMessages, checkResponseTopic } from './answer-messages';
import { CameraLine } from './camera-line';
import type { CameraAnswer, CameraRequest } from './camera-request';
import { describeCamera } from './describe-camera';
import { describePayload } from './describe-payload';
import { DescribeTopics } from './describe-topics';
import { type FrigateSink, FrigateSource } from './frigate/frigate-source';
import { PictureMemory } from './picture-memory';
import { pictureType } from './picture-type';
import { Publisher } from './publisher';
import { mostCameras, type ServiceSettings } from './service-settings';
import type { IncomingMessage, MqttTransport } from './transport/mqtt-transport';

export interface DescribeServiceOptions {
  readonly transport: MqttTransport;
  readonly engine: EngineApi;
  readonly settings: ServiceSettings;
  /** This package's version, for Home Assistant. */
  readonly version: string;
  /** Fills a prompt's template in. */
  readonly fillPrompt: (template: string, view: object) => string;
  readonly onProgress?: (camera: string, event: EngineEvent) => void;
  /** A fault that belongs to no request. */
  readonly onTrouble?: (error: SmolvlmError) => void;
  /** Called once for each request, when it has ended. */
  readonly onAnswer?: (request: CameraRequest, answer: CameraAnswer) => void;
}

/** Describes pictures on request over MQTT, and makes the cameras known to Home Assistant. */
export class DescribeService {
  readonly #options: DescribeServiceOptions;
  readonly #topics: DescribeTopics;
  readonly #lines = new Map<string, CameraLine<CameraRequest>>();
  readonly #memory = new PictureMemory();
  readonly #publisher: Publisher;
  readonly #closing = new AbortController();
  readonly #frigate: FrigateSource | undefined;

  /** @throws SmolvlmError `mqtt-topic` for a base that no topic can begin with */
  constructor(options: DescribeServiceOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal);
    this.#topics = new DescribeTopics(options.settings.base);
    this.#publisher = new Publisher(options.transport, this.#topics, options.settings, options.version);
    const { frigate } = options.settings;
    this.#frigate = frigate && new FrigateSource(frigate, this.#frigateSink(), this.#closing.signal);
  }

  /** Subscribes, and announces the cameras at each connection. */
  start(): void {
    const { transport, settings } = this.#options;
    transport.subscribe(this.#topics.describeFilter, settings.qos, (message) => this.#onDescribe(message));
    this.#frigate?.subscribe(transport, settings.qos);
    transport.subscribe(this.#topics.availability, settings.qos, (message) => this.#onAvailability(message));
    transport.onConnected(() => this.#publisher.announce());
    if (transport.connected) this.#publisher.announce();
  }

  /**
   * Ends what is under way, says `offline` and lets the transport go.
   * @param forget for good: also take the cameras out of Home Assistant
   */
  async close(forget = false): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const line of this.#lines.values()) line.withdraw();
    await this.#publisher.close(forget);
    await this.#options.transport.close(forget);
  }

  #onDescribe(message: IncomingMessage): void {
    const camera = this.#topics.cameraOf(message.topic);
    if (camera === undefined || this.#closing.signal.aborted) return;
    const request = { camera, payload: { request: {} }, receivedAt: new Date().toISOString() };
    try {
      const payload = describePayload(message.payload);
      const reply = this.#reply(message);
      // A question that is answered to its asker alone leaves nothing behind for others.
      if (payload.picture instanceof Uint8Array && !reply.reply) this.#memory.set(camera, payload.picture);
      // Kept by the broker from some time ago, and delivered again at each reconnection: no request of now.
      if (message.retained) return;
      this.#offer({ ...request, payload, ...reply });
    } catch (error) {
      this.#end({ ...request, ...this.#replyIfUsable(message) }, { kind: 'error', error: errorBody(error) });
    }
  }

  /**
   * After a power cut the broker notices the lost connection only when its keepalive has run out, a minute or two
   * after this service is back under another client id; it then says `offline` for the connection of before.
   */
  #onAvailability({ payload, retained }: IncomingMessage): void {
    if (retained || this.#closing.signal.aborted) return;
    if (Buffer.from(payload).toString('utf8') === 'offline') this.#publisher.sayOnline();
  }

  #frigateSink(): FrigateSink {
    return {
      remember: (camera, picture) => this.#memory.set(camera, picture),
      offer: (camera, payload, more) => {
        const request = { camera, payload, receivedAt: new Date().toISOString(), ...more };
        try {
          this.#offer(request);
        } catch (error) {
          this.#end(request, { kind: 'error', error: errorBody(error) });
        }
      },
      fail: (error) => this.#options.onTrouble?.(error),
    };
  }

  /** @throws SmolvlmError `mqtt-cameras` */
  #offer(request: CameraRequest): void {
    if (this.#closing.signal.aborted) return;
    const { camera } = request;
    let line = this.#lines.get(camera);
    if (!line) {
      if (this.#lines.size >= mostCameras) {
        const message = `"${camera}" is one camera too many: ${mostCameras} have asked`;
        const hint = 'Use the same few names below the base topic, one for each camera.';
        throw new SmolvlmError('mqtt-cameras', message, { hint });
      }
      line = new CameraLine(
        (each) => this.#describe(each),
        (each) => this.#supersede(each),
      );
      this.#lines.set(camera, line);
    }
    line.offer(request);
  }

  #supersede(request: CameraRequest): void {
    const message = `a newer request for camera "${request.camera}" took its place`;
    this.#end(request, { kind: 'dropped', reason: 'superseded', message });
  }

  async #describe(request: CameraRequest): Promise<void> {
    const { signal } = this.#closing;
    this.#end(request, await describeCamera(request, { ...this.#options, memory: this.#memory, signal }));
  }

  #end(request: CameraRequest, answer: CameraAnswer): void {
    if (this.#closing.signal.aborted) return;
    const { settings, onAnswer } = this.#options;
    if (answer.kind === 'caption' && !request.reply) {
      this.#publisher.announceCamera(request.camera, answer.picture && pictureType(answer.picture));
    }
    for (const message of answerMessages(this.#topics, settings.qos, request, answer))
      this.#publisher.send(message);
    onAnswer?.(request, answer);
  }

  #reply({ responseTopic, correlationData }: IncomingMessage): Pick<CameraRequest, 'reply'> {
    if (responseTopic === undefined || responseTopic === '') return {};
    const topic = checkResponseTopic(this.#topics, responseTopic);
    return { reply: correlationData ? { topic, correlationData } : { topic } };
  }

  #replyIfUsable(message: IncomingMessage): Pick<CameraRequest, 'reply'> {
    try {
      return this.#reply(message);
    } catch {
      return {};
    }
  }
}
