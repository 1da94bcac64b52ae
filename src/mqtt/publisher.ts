import { SmolvlmError } from '../errors';
import { attributesMessage, stateMessages } from './answer-messages';
import { CameraPictures } from './camera-pictures';
import type { DescribeTopics } from './describe-topics';
import { discoveryPayload, discoveryTopic } from './home-assistant';
import { mostWaiting, Outbox, type Refusal } from './outbox';
import type { PreparePicture } from './published-picture';
import type { AnswerAttributes } from './requests/camera-request';
import type { CameraSettings, ServiceSettings } from './service-settings';
import type { MqttTransport, OutgoingMessage } from './transport/mqtt-transport';

export interface PublisherOptions {
  readonly transport: MqttTransport;
  readonly topics: DescribeTopics;
  readonly settings: ServiceSettings;
  /** This package's version. */
  readonly version: string;
  /** Makes the pictures that are published. */
  readonly prepare: PreparePicture;
  readonly onTrouble: (error: SmolvlmError) => void;
}

/** Longest wait for the broker to take the last messages. */
const farewellMs = 2_000;

const mostReported = 1_000;

/** Publishes answers, the availability, and what Home Assistant needs about the cameras. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #outbox: Outbox;
  readonly #pictures: CameraPictures;
  readonly #cameras = new Map<string, CameraSettings>();
  /** The last answer about each camera. */
  readonly #latest = new Map<string, AnswerAttributes>();
  /** Refusals that were reported, by topic. */
  readonly #reported = new Map<string, string>();
  /** Whether the broker still has retained messages of the last connection; undefined until it is known. */
  #hasKept: boolean | undefined;
  #hasHeardRetained = false;

  constructor(options: PublisherOptions) {
    const { transport, topics, settings, prepare, onTrouble } = options;
    this.#options = options;
    this.#outbox = new Outbox(transport, {
      onRefused: (message, refusal) => this.#refused(message, refusal),
      onOverflow: (dropped) => this.#overflowed(dropped),
    });
    this.#pictures = new CameraPictures({
      ...{ transport, outbox: this.#outbox, topics, qos: settings.qos, prepare, onTrouble },
    });
    for (const camera of settings.cameras) this.#cameras.set(camera.name, camera);
  }

  /** To be called at each connection, after subscribing to the availability. */
  announce(): void {
    this.#hasKept = undefined;
    this.#hasHeardRetained = false;
    this.sayOnline();
    for (const camera of this.#cameras.values()) this.#discovery(camera);
    this.#outbox.connected();
  }

  sayOnline(): void {
    this.#say(this.#retained(this.#options.topics.availability, 'online'));
  }

  /**
   * Finds out from the availability topic whether the broker has lost its retained messages, and publishes those of the
   * cameras again then. A broker that has kept them delivers the `offline` of the broken connection first; one that was
   * restarted without persistence delivers nothing before the `online` that was published at this connection.
   */
  onAvailability(text: string, retained: boolean): void {
    if (text === 'offline' && !retained) this.sayOnline();
    if (this.#hasKept !== undefined) return;
    if (retained) this.#hasHeardRetained = true;
    if (text === 'offline') this.#hasKept = true;
    else if (!retained) {
      this.#hasKept = false;
      // A retained `online` is of an earlier connection whose will was another, or of a broker that answers out of order.
      if (!this.#hasHeardRetained) this.#options.transport.brokerRestarted();
      this.#outbox.restore();
    }
  }

  /** A camera's new state: attributes and caption first, then the picture. */
  sendCaption(attributes: AnswerAttributes, picture: Uint8Array | undefined): void {
    const { topics, settings } = this.#options;
    const { camera } = attributes;
    this.#announceCamera(camera);
    const note = picture && this.#pictures.expected(camera, picture);
    for (const message of stateMessages(
      topics,
      settings.qos,
      note ? { ...attributes, picture: note } : attributes,
    )) {
      this.send(message);
    }
    this.#latest.set(camera, attributes);
    if (picture === undefined) return;
    this.#pictures.send(camera, picture, (changed) => {
      if (this.#latest.get(camera) !== attributes) return;
      const noted = changed ? { ...attributes, picture: changed } : attributes;
      this.send(attributesMessage(topics, settings.qos, noted));
    });
  }

  /** A message without a connection is sent with the next one. */
  send(message: OutgoingMessage): void {
    this.#outbox.send(message);
  }

  /** @param forget whether to remove the cameras from Home Assistant, too */
  async close(forget: boolean): Promise<void> {
    const { settings, topics, transport } = this.#options;
    this.#pictures.close();
    const { discoveryPrefix: prefix } = settings;
    const announced = forget && prefix !== undefined ? [...this.#cameras.keys()] : [];
    const farewell = [
      ...announced.map((name) => this.#retained(discoveryTopic(prefix ?? '', topics, name), '')),
      this.#retained(topics.availability, 'offline'),
    ];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, farewellMs);
    });
    await Promise.race([Promise.all(farewell.map((message) => transport.publish(message))), late]);
    clearTimeout(timer);
  }

  /** A camera that is not listed is announced with its first caption. */
  #announceCamera(name: string): void {
    if (this.#cameras.has(name)) return;
    this.#cameras.set(name, { name });
    this.#discovery({ name });
  }

  #discovery(camera: CameraSettings): void {
    const { topics, settings, version } = this.#options;
    const { discoveryPrefix } = settings;
    if (discoveryPrefix === undefined) return;
    const document = discoveryPayload(topics, camera, { version });
    this.#say(this.#retained(discoveryTopic(discoveryPrefix, topics, camera.name), JSON.stringify(document)));
  }

  /** Publishes what is published again at each connection anyway. */
  #say(message: OutgoingMessage): void {
    void this.#options.transport.publish(message).then((outcome) => {
      if (outcome.kind === 'refused') this.#refused(message, outcome);
    });
  }

  /** Reported when the first message is left out, and with their number when the connection is back. */
  #overflowed(dropped: number): void {
    const text = this.#options.transport.connected
      ? `${dropped} messages about drops and errors were not published: while they waited for the MQTT broker, newer ones replaced them`
      : `more than ${mostWaiting} messages about drops and errors wait for the MQTT broker: the oldest ones are not published`;
    const hint =
      'The flow has received each of them. Captions and pictures are published with the next connection.';
    this.#options.onTrouble(new SmolvlmError('mqtt-backlog', text, { hint }));
  }

  /** The same refusal is reported once for each topic. */
  #refused({ topic }: OutgoingMessage, { reason }: Refusal): void {
    if (this.#reported.get(topic) === reason) return;
    if (this.#reported.size >= mostReported) this.#reported.clear();
    this.#reported.set(topic, reason);
    const hint = 'Check what the broker allows this user to publish, and its packet limit.';
    this.#options.onTrouble(
      new SmolvlmError(
        'mqtt-refused',
        `the broker does not accept a message on ${topic.slice(0, 120)}: ${reason}`,
        {
          hint,
        },
      ),
    );
  }

  #retained(topic: string, payload: string): OutgoingMessage {
    return { topic, payload, qos: this.#options.settings.qos, retain: true };
  }
}
