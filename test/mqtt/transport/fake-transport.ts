import type {
  IncomingMessage,
  MqttTransport,
  OutgoingMessage,
  Qos,
} from '../../../src/mqtt/transport/mqtt-transport';
import { matchesFilter } from '../../../src/mqtt/transport/mqttjs-transport';

/** A broker that is only this client's: what it publishes is kept in order, what it is sent is delivered. */
export class FakeTransport implements MqttTransport {
  connected = false;
  closed = false;
  readonly published: OutgoingMessage[] = [];
  readonly filters: string[] = [];
  readonly #listeners: { filter: string; listener: (message: IncomingMessage) => void }[] = [];
  readonly #onConnected: (() => void)[] = [];

  subscribe(filter: string, _qos: Qos, listener: (message: IncomingMessage) => void): void {
    this.filters.push(filter);
    this.#listeners.push({ filter, listener });
  }

  publish(message: OutgoingMessage): Promise<boolean> {
    if (this.connected) this.published.push(message);
    return Promise.resolve(this.connected);
  }

  onConnected(listener: () => void): void {
    this.#onConnected.push(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  connect(): void {
    this.connected = true;
    for (const listener of this.#onConnected) listener();
  }

  deliver(topic: string, payload: Uint8Array | string | object, more: Partial<IncomingMessage> = {}): void {
    const bytes =
      payload instanceof Uint8Array
        ? payload
        : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
    for (const { filter, listener } of this.#listeners) {
      if (matchesFilter(filter, topic)) listener({ topic, payload: bytes, retained: false, ...more });
    }
  }

  /** Text of the last message on a topic. */
  last(topic: string): string | undefined {
    const payload = this.published.filter((message) => message.topic === topic).at(-1)?.payload;
    return payload === undefined ? undefined : Buffer.from(payload as string).toString('utf8');
  }

  topics(): string[] {
    return this.published.map(({ topic }) => topic);
  }
}
