import type {
  IncomingMessage,
  MqttTransport,
  OutgoingMessage,
  PublishOutcome,
  Qos,
} from '../../../src/mqtt/transport/mqtt-transport';
import { matchesFilter } from '../../../src/mqtt/transport/topic-filter';

/** A broker that is only this client's: what it publishes is kept in order, what it is sent is delivered. */
export class FakeTransport implements MqttTransport {
  connected = false;
  closed = false;
  restarts = 0;
  maximumPacketBytes: number | undefined;
  /** What becomes of a message while there is a connection. */
  outcome: (message: OutgoingMessage) => PublishOutcome = () => ({ kind: 'sent' });
  readonly published: OutgoingMessage[] = [];
  readonly filters: string[] = [];
  readonly #listeners: { filter: string; listener: (message: IncomingMessage) => void }[] = [];
  readonly #onConnected: (() => void)[] = [];

  subscribe(filter: string, _qos: Qos, listener: (message: IncomingMessage) => void): void {
    this.filters.push(filter);
    this.#listeners.push({ filter, listener });
  }

  async publish(message: OutgoingMessage): Promise<PublishOutcome> {
    if (!this.connected) return { kind: 'unsent' };
    const outcome = this.outcome(message);
    if (outcome.kind === 'sent') this.published.push(message);
    return outcome;
  }

  brokerRestarted(): void {
    this.restarts += 1;
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
