import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { defined } from '../../system/defined';
import type { BrokerAddress } from './broker-address';
import { type ConnectionFailure, connectionFailure } from './connection-error';
import type { IncomingMessage, MqttTransport, OutgoingMessage, PublishOutcome, Qos } from './mqtt-transport';
import { packetBytes } from './packet-size';
import { PublishWatch } from './publish-watch';
import { matchesFilter } from './topic-filter';

export interface MqttConnectionOptions {
  readonly broker: BrokerAddress;
  /** 5 unless the broker is an old one. */
  readonly protocolVersion?: 4 | 5;
  /** Published by the broker when this connection breaks. */
  readonly will: OutgoingMessage;
  /** Pause before the connection is tried again. */
  readonly reconnectMs?: number;
  /** A refused or broken connection, which is tried again; or a refused subscription. */
  readonly onFailure?: (failure: ConnectionFailure) => void;
}

/** Longest wait for the last messages to reach the broker. */
const farewellMs = 2_000;

/** This package's own MQTT client, for use without Node-RED. */
export class MqttJsTransport implements MqttTransport {
  readonly #client: MqttClient;
  readonly #watch = new PublishWatch();
  readonly #v5: boolean;
  readonly #host: string;
  readonly #onFailure: (failure: ConnectionFailure) => void;
  readonly #subscriptions = new Map<string, { qos: Qos; listener: (message: IncomingMessage) => void }>();
  #accepted = false;
  #closing = false;
  /** Limit of the broker's CONNACK. */
  #brokerBytes: number | undefined;

  /** Connects, and again whenever the connection breaks. */
  constructor(options: MqttConnectionOptions) {
    this.#v5 = (options.protocolVersion ?? 5) === 5;
    this.#host = options.broker.host;
    this.#onFailure = options.onFailure ?? (() => {});
    this.#client = connect(options.broker.url, clientOptions(options));
    this.#watch.attach(this.#client);
    this.#client.on('error', (error) => this.#failed(error));
    this.#client.on('connect', ({ properties }) => {
      this.#accepted = true;
      this.#brokerBytes = properties?.maximumPacketSize;
      for (const [filter, { qos }] of this.#subscriptions) this.#subscribe(filter, qos);
    });
    this.#client.on('message', (topic, payload, packet) => this.#deliver(topic, payload, packet));
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  get maximumPacketBytes(): number | undefined {
    return smallest(this.#brokerBytes, this.#watch.learnedBytes);
  }

  subscribe(filter: string, qos: Qos, listener: (message: IncomingMessage) => void): void {
    this.#subscriptions.set(filter, { qos, listener });
    if (this.connected) this.#subscribe(filter, qos);
  }

  publish(message: OutgoingMessage): Promise<PublishOutcome> {
    if (!this.connected) return Promise.resolve({ kind: 'unsent' });
    const tooLarge = refusedForSize(message, this.maximumPacketBytes);
    if (tooLarge) return Promise.resolve(tooLarge);
    const { topic, payload, qos, retain, contentType, correlationData } = message;
    const properties = defined({
      contentType,
      correlationData: correlationData && Buffer.from(correlationData),
    });
    const body = typeof payload === 'string' ? payload : Buffer.from(payload);
    const options = { qos, retain, ...defined({ properties: this.#v5 ? properties : undefined }) };
    return this.#watch.publish(this.#client, message, (done) => {
      this.#client.publish(topic, body, options, done);
    });
  }

  brokerRestarted(): void {
    this.#watch.forgetLimit();
  }

  onConnected(listener: () => void): void {
    this.#client.on('connect', listener);
  }

  async close(): Promise<void> {
    this.#closing = true;
    // mqtt.js waits for every acknowledgement, and some never come.
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, farewellMs);
    });
    await Promise.race([this.#client.endAsync(!this.connected), late]);
    clearTimeout(timer);
    this.#client.stream.destroy();
    this.#watch.close();
  }

  #failed(error: Error): void {
    // Messages that still arrive cannot be acknowledged any more: that is not the broker's failure.
    if (this.#closing) return;
    this.#onFailure(connectionFailure(this.#host, error, this.#accepted));
  }

  #subscribe(filter: string, qos: Qos): void {
    this.#client.subscribe(filter, { qos }, (error) => {
      if (error) this.#failed(new Error(`subscribing to ${filter}: ${error.message}`));
    });
  }

  #deliver(topic: string, payload: Buffer, { retain, properties }: IPublishPacket): void {
    const { responseTopic, correlationData } = properties ?? {};
    const message: IncomingMessage = {
      topic,
      payload,
      retained: retain,
      ...defined({ responseTopic, correlationData }),
    };
    for (const [filter, { listener }] of this.#subscriptions) {
      if (matchesFilter(filter, topic)) listener(message);
    }
  }
}

/** The smaller of two limits, each of which may be unknown. */
export function smallest(first: number | undefined, second: number | undefined): number | undefined {
  return first === undefined || second === undefined ? (first ?? second) : Math.min(first, second);
}

/** @returns undefined when the broker takes a message of this size */
export function refusedForSize(
  message: OutgoingMessage,
  maximumPacketBytes: number | undefined,
): (PublishOutcome & { kind: 'refused' }) | undefined {
  const bytes = packetBytes(message);
  if (maximumPacketBytes === undefined || bytes <= maximumPacketBytes) return undefined;
  const reason = `its ${bytes} bytes are more than the broker accepts (${maximumPacketBytes})`;
  return { kind: 'refused', reason, tooLarge: true };
}

function clientOptions({
  broker,
  protocolVersion,
  will,
  reconnectMs,
}: MqttConnectionOptions): IClientOptions {
  const { topic, payload, qos, retain } = will;
  return {
    protocolVersion: protocolVersion ?? 5,
    clean: true,
    reconnectPeriod: reconnectMs ?? 5_000,
    // This class subscribes again, and who published decides what is published again.
    resubscribe: false,
    queueQoSZero: false,
    reconnectOnConnackError: true,
    ...defined({ username: broker.user, password: broker.password }),
    will: { topic, payload: typeof payload === 'string' ? payload : Buffer.from(payload), qos, retain },
  };
}
