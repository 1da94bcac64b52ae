import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { SmolvlmError } from '../../errors';
import { withoutLogin } from '../../picture/without-login';
import type { IncomingMessage, MqttTransport, OutgoingMessage, Qos } from './mqtt-transport';

export interface MqttConnectionOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`, user and password included where they are needed. */
  readonly url: URL;
  /** 5 unless the broker is an old one. */
  readonly protocolVersion?: 4 | 5;
  /** In place of the address's. */
  readonly password?: string;
  /** What the broker says when this connection breaks. */
  readonly will: OutgoingMessage;
  /** Pause before the connection is tried again. */
  readonly reconnectMs?: number;
  /** A refused or broken connection; tried again by itself. */
  readonly onTrouble?: (reason: string) => void;
}

/** Longest wait for what was published last to reach the broker. */
const farewellMs = 2_000;

/** An MQTT client of this package's own, where there is no Node-RED. */
export class MqttJsTransport implements MqttTransport {
  readonly #client: MqttClient;
  readonly #v5: boolean;
  readonly #trouble: (reason: string) => void;
  readonly #subscriptions = new Map<string, { qos: Qos; listener: (message: IncomingMessage) => void }>();

  /** Connects, and again whenever the connection breaks. */
  constructor(options: MqttConnectionOptions) {
    this.#v5 = (options.protocolVersion ?? 5) === 5;
    this.#client = connect(withoutUser(options.url), clientOptions(options));
    this.#trouble = options.onTrouble ?? (() => {});
    this.#client.on('error', (error) => this.#trouble(error.message || error.name));
    this.#client.on('connect', () => {
      for (const [filter, { qos }] of this.#subscriptions) this.#subscribe(filter, qos);
    });
    this.#client.on('message', (topic, payload, packet) => this.#deliver(topic, payload, packet));
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  subscribe(filter: string, qos: Qos, listener: (message: IncomingMessage) => void): void {
    this.#subscriptions.set(filter, { qos, listener });
    if (this.connected) this.#subscribe(filter, qos);
  }

  publish(message: OutgoingMessage): Promise<boolean> {
    if (!this.connected) return Promise.resolve(false);
    const { topic, payload, qos, retain, contentType, correlationData } = message;
    const properties = {
      ...(contentType !== undefined && { contentType }),
      ...(correlationData && { correlationData: Buffer.from(correlationData) }),
    };
    const body = typeof payload === 'string' ? payload : Buffer.from(payload);
    return new Promise((resolve) => {
      this.#client.publish(topic, body, { qos, retain, ...(this.#v5 && { properties }) }, (error) =>
        resolve(!error),
      );
    });
  }

  onConnected(listener: () => void): void {
    this.#client.on('connect', listener);
  }

  async close(): Promise<void> {
    const forced = setTimeout(() => this.#client.end(true), farewellMs);
    await this.#client.endAsync(!this.connected);
    clearTimeout(forced);
  }

  #subscribe(filter: string, qos: Qos): void {
    this.#client.subscribe(filter, { qos }, (error) => {
      if (error) this.#trouble(`subscribing to ${filter}: ${error.message}`);
    });
  }

  #deliver(topic: string, payload: Buffer, { retain, properties }: IPublishPacket): void {
    const { responseTopic, correlationData } = properties ?? {};
    const message: IncomingMessage = {
      topic,
      payload,
      retained: retain,
      ...(responseTopic !== undefined && { responseTopic }),
      ...(correlationData !== undefined && { correlationData }),
    };
    for (const [filter, { listener }] of this.#subscriptions) {
      if (matchesFilter(filter, topic)) listener(message);
    }
  }
}

/** Whether a topic falls under a filter with `+` for one level and `#` for all that follow. */
export function matchesFilter(filter: string, topic: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  const fits = wanted.every((level, index) => level === '#' || level === '+' || level === levels[index]);
  return (
    fits && (wanted.at(-1) === '#' ? levels.length >= wanted.length - 1 : levels.length === wanted.length)
  );
}

/** @throws SmolvlmError `mqtt-broker-address` */
export function brokerAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(url.protocol) && url.hostname !== '') return url;
  throw new SmolvlmError(
    'mqtt-broker-address',
    `expected mqtt://host:port, received "${withoutLogin(text)}"`,
    {
      hint: 'Write for example mqtt://user@broker.local:1883, or mqtts:// for an encrypted connection.',
    },
  );
}

function clientOptions(options: MqttConnectionOptions): IClientOptions {
  const { topic, payload, qos, retain } = options.will;
  const username = decodeURIComponent(options.url.username);
  const password = options.password ?? decodeURIComponent(options.url.password);
  return {
    protocolVersion: options.protocolVersion ?? 5,
    clean: true,
    reconnectPeriod: options.reconnectMs ?? 5_000,
    // Subscribed again by this class, and published again by whoever wants to.
    resubscribe: false,
    queueQoSZero: false,
    reconnectOnConnackError: true,
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    will: { topic, payload: typeof payload === 'string' ? payload : Buffer.from(payload), qos, retain },
  };
}

function withoutUser(address: URL): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}
