import { setMaxListeners } from 'node:events';
import type { Engine } from '../client/engine';
import { errorBody, SmolvlmError } from '../errors';
import { captionProperty } from '../protocol/caption-property';
import type { EngineEvent } from '../protocol/events';
import { answerMessages, checkResponseTopic } from './answer-messages';
import { CameraLine } from './camera-line';
import type { CameraAnswer, CameraRequest } from './camera-request';
import { type DescribePayload, describePayload } from './describe-payload';
import { DescribeTopics } from './describe-topics';
import { cameraOfObject, frigateSnapshot, frigateUpdate, snapshotFilter, updateTopic } from './frigate';
import type { IncomingMessage, MqttTransport } from './mqtt-transport';
import { PictureMemory } from './picture-memory';
import { Publisher } from './publisher';
import { requestPicture } from './request-picture';
import { mostCameras, type ServiceSettings } from './service-settings';

export interface DescribeServiceOptions {
  readonly transport: MqttTransport;
  readonly engine: Engine;
  readonly settings: ServiceSettings;
  /** This package's version, for Home Assistant. */
  readonly version: string;
  /** Fills a prompt's template in. */
  readonly fillPrompt: (template: string, view: object) => string;
  readonly onProgress?: (camera: string, event: EngineEvent) => void;
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
  /** Asks Frigate which camera an object belongs to, one object at a time. */
  readonly #lookUps: CameraLine<CameraRequest>;

  /** @throws SmolvlmError `mqtt-topic` for a base that no topic can begin with */
  constructor(options: DescribeServiceOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal);
    this.#topics = new DescribeTopics(options.settings.base);
    this.#lookUps = this.#line((request) => this.#lookUp(request));
    this.#publisher = new Publisher(options.transport, this.#topics, options.settings, options.version);
  }

  /** Subscribes, and announces the cameras at each connection. */
  start(): void {
    const { transport, settings } = this.#options;
    const { frigate, qos } = settings;
    transport.subscribe(this.#topics.describeFilter, qos, (message) => this.#onDescribe(message));
    if (frigate) {
      transport.subscribe(snapshotFilter(frigate), qos, (message) => this.#onSnapshot(message));
      transport.subscribe(updateTopic(frigate), qos, (message) => this.#onUpdate(message));
    }
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
      if (payload.picture instanceof Uint8Array) this.#memory.set(camera, payload.picture);
      // Kept by the broker from some time ago, and delivered again at each reconnection: no request of now.
      if (message.retained) return;
      this.#offer({ ...request, payload, ...this.#reply(message) });
    } catch (error) {
      this.#end({ ...request, ...this.#replyIfUsable(message) }, { kind: 'error', error: errorBody(error) });
    }
  }

  /** Frigate publishes an object's best picture again when the object is gone. */
  #onSnapshot({ topic, payload, retained }: IncomingMessage): void {
    const { frigate } = this.#options.settings;
    const snapshot = frigate && frigateSnapshot(topic, frigate);
    if (!snapshot || payload.byteLength === 0) return;
    const { camera, label } = snapshot;
    const last = this.#memory.get(camera);
    this.#memory.set(camera, payload);
    if (retained || (last && Buffer.compare(last, payload) === 0)) return;
    this.#offerOrFail(camera, { picture: payload, label, request: {} });
  }

  #onUpdate({ payload, retained }: IncomingMessage): void {
    const update = frigateUpdate(payload);
    if (!update || retained) return;
    const { camera } = update;
    if (camera !== undefined) {
      this.#offerOrFail(camera, { request: {} }, { frigate: update });
      return;
    }
    if (!this.#options.settings.frigate?.url) return;
    const request = { camera: '', payload: { request: {} }, receivedAt: new Date().toISOString() };
    this.#lookUps.offer({ ...request, frigate: update });
  }

  async #lookUp({ frigate }: CameraRequest): Promise<void> {
    const url = this.#options.settings.frigate?.url;
    if (!frigate || !url) return;
    try {
      const object = await cameraOfObject(url, frigate.id, this.#closing.signal);
      if (object) this.#offerOrFail(object.camera, { label: object.label, request: {} }, { frigate });
    } catch {
      // An object that Frigate no longer knows has no picture either.
    }
  }

  #offerOrFail(camera: string, payload: DescribePayload, more: Partial<CameraRequest> = {}): void {
    const request = { camera, payload, receivedAt: new Date().toISOString(), ...more };
    try {
      this.#offer(request);
    } catch (error) {
      this.#end(request, { kind: 'error', error: errorBody(error) });
    }
  }

  /** @throws SmolvlmError `mqtt-cameras` */
  #offer(request: CameraRequest): void {
    if (this.#closing.signal.aborted) return;
    const { camera } = request;
    let line = this.#lines.get(camera);
    if (!line) {
      if (this.#lines.size >= mostCameras) {
        throw new SmolvlmError(
          'mqtt-cameras',
          `"${camera}" is one camera too many: ${mostCameras} have asked`,
          {
            hint: 'Use the same few names below the base topic, one for each camera.',
          },
        );
      }
      line = this.#line((each) => this.#describe(each));
      this.#lines.set(camera, line);
    }
    line.offer(request);
  }

  #line(run: (request: CameraRequest) => Promise<void>): CameraLine<CameraRequest> {
    return new CameraLine(run, (request) => {
      const message = `a newer request for camera "${request.camera}" took its place`;
      this.#end(request, { kind: 'dropped', reason: 'superseded', message });
    });
  }

  async #describe(request: CameraRequest): Promise<void> {
    let answer: CameraAnswer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      answer = { kind: 'error', error: errorBody(error) };
    }
    this.#end(request, answer);
  }

  async #answer(request: CameraRequest): Promise<CameraAnswer> {
    const { engine, settings, fillPrompt, onProgress } = this.#options;
    const { camera, payload, receivedAt, frigate } = request;
    const { signal } = this.#closing;
    const picture = await requestPicture(request, settings, this.#memory, signal);
    const asked = { ...settings.defaults, ...payload.request };
    const view = { camera, label: payload.label ?? '', frigate };
    const final = await engine.describe(
      {
        capturedAt: receivedAt,
        ...asked,
        camera,
        prompt: fillPrompt(asked.prompt ?? settings.prompt, view),
        queue: { policy: 'newest', capacity: 1 },
      },
      [picture],
      { signal, onEvent: (event) => onProgress?.(camera, event) },
    );
    switch (final.type) {
      case 'dropped':
        return { kind: 'dropped', reason: final.reason, message: final.message };
      case 'error':
        return { kind: 'error', error: final.error };
      case 'result': {
        const { id, label } = payload;
        const whole = asked.masks === undefined && asked.crop === undefined;
        if (whole) this.#memory.set(camera, picture);
        return {
          kind: 'caption',
          attributes: {
            ...captionProperty(final.result),
            camera,
            ...(id !== undefined && { id }),
            ...(label !== undefined && { label }),
            ...(frigate && { frigate }),
          },
          ...(whole && settings.publishPicture && { picture }),
        };
      }
    }
  }

  #end(request: CameraRequest, answer: CameraAnswer): void {
    if (this.#closing.signal.aborted) return;
    const { settings, onAnswer } = this.#options;
    if (answer.kind === 'caption') this.#publisher.announceCamera(request.camera);
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
