import type { DescribeTopics } from './describe-topics';
import { discoveryPayload, discoveryTopic } from './home-assistant';
import type { CameraSettings, ServiceSettings } from './service-settings';
import type { MqttTransport, OutgoingMessage } from './transport/mqtt-transport';

/** What the service says: answers, whether it is there, and which cameras Home Assistant should know. */
export class Publisher {
  readonly #transport: MqttTransport;
  readonly #topics: DescribeTopics;
  readonly #settings: ServiceSettings;
  readonly #version: string;
  readonly #cameras = new Map<string, CameraSettings>();
  /** Media type of each camera's last published picture. */
  readonly #pictureTypes = new Map<string, string>();
  /** Retained messages that found no connection, the last of each topic. */
  readonly #unsent = new Map<string, OutgoingMessage>();
  /** Retained messages under way, the last of each topic. */
  readonly #newest = new Map<string, OutgoingMessage>();

  constructor(transport: MqttTransport, topics: DescribeTopics, settings: ServiceSettings, version: string) {
    this.#transport = transport;
    this.#topics = topics;
    this.#settings = settings;
    this.#version = version;
    for (const camera of settings.cameras) this.#cameras.set(camera.name, camera);
  }

  /** To be called at each connection: the broker may have said `offline` for us, or be another one. */
  announce(): void {
    this.sayOnline();
    for (const camera of this.#cameras.values()) this.#discovery(camera);
    const unsent = [...this.#unsent.values()];
    this.#unsent.clear();
    for (const message of unsent) this.send(message);
  }

  sayOnline(): void {
    this.send(this.#kept(this.#topics.availability, 'online'));
  }

  /**
   * A camera that nobody listed becomes known with its first caption. One whose pictures are of another type than
   * before is announced anew: its announcement names the type.
   * @param type media type of the picture that is about to be published
   */
  announceCamera(name: string, type = this.#pictureType(name)): void {
    if (this.#cameras.has(name) && type === this.#pictureType(name)) return;
    const camera = this.#cameras.get(name) ?? { name };
    this.#cameras.set(name, camera);
    this.#pictureTypes.set(name, type);
    this.#discovery(camera);
  }

  /** A retained message without a connection goes out with the next one; others are lost. */
  send(message: OutgoingMessage): void {
    const { topic, retain } = message;
    if (!retain) {
      void this.#transport.publish(message);
      return;
    }
    this.#unsent.delete(topic);
    this.#newest.set(topic, message);
    void this.#transport.publish(message).then((sent) => {
      // A connection that breaks tells so late; what was said since then counts.
      if (this.#newest.get(topic) !== message) return;
      this.#newest.delete(topic);
      if (!sent) this.#unsent.set(topic, message);
    });
  }

  /** @param forget also take the cameras out of Home Assistant */
  async close(forget: boolean): Promise<void> {
    const { discoveryPrefix: prefix } = this.#settings;
    const announced = forget && prefix !== undefined ? [...this.#cameras.keys()] : [];
    const topics = announced.map((name) => discoveryTopic(prefix ?? '', this.#topics, name));
    const farewell = [
      ...topics.map((topic) => this.#kept(topic, '')),
      this.#kept(this.#topics.availability, 'offline'),
    ];
    await Promise.all(farewell.map((message) => this.#transport.publish(message)));
  }

  #discovery(camera: CameraSettings): void {
    const { discoveryPrefix } = this.#settings;
    if (discoveryPrefix === undefined) return;
    const origin = { version: this.#version };
    const document = discoveryPayload(this.#topics, camera, origin, this.#pictureType(camera.name));
    this.send(
      this.#kept(discoveryTopic(discoveryPrefix, this.#topics, camera.name), JSON.stringify(document)),
    );
  }

  #pictureType(name: string): string {
    return this.#pictureTypes.get(name) ?? 'image/jpeg';
  }

  #kept(topic: string, payload: string): OutgoingMessage {
    return { topic, payload, qos: this.#settings.qos, retain: true };
  }
}
