import { randomUUID } from 'node:crypto';
import type { Node } from 'node-red';
import { type ConnectionFailure, connectionFailure } from '../../mqtt/transport/connection-error';
import type {
  IncomingMessage,
  MqttTransport,
  OutgoingMessage,
  PublishOutcome,
  Qos,
} from '../../mqtt/transport/mqtt-transport';
import { refusedForSize, smallest } from '../../mqtt/transport/mqttjs-transport';
import { PublishWatch, type WatchedClient } from '../../mqtt/transport/publish-watch';
import { defined } from '../../system/defined';

/** What Node-RED's `mqtt-broker` node needs of the nodes that use it. */
interface BrokerUser {
  readonly id: string;
  status(status: { readonly fill?: string; readonly text?: string }): void;
}

interface BrokerPacket {
  readonly retain?: boolean;
  readonly properties?: { readonly responseTopic?: string; readonly correlationData?: Uint8Array };
}

/** The methods of Node-RED's own `mqtt-broker` node that its mqtt in and out nodes use. */
export interface BrokerNode extends Node {
  readonly connected: boolean;
  readonly options?: { readonly protocolVersion?: number; readonly will?: { readonly topic: string } };
  /** `mqtt://host:port`. */
  readonly brokerurl?: string;
  /** Of the current connection; absent until the first one is tried. */
  readonly client?: WatchedClient;
  /** What the broker said when it accepted an MQTT 5 connection. */
  readonly serverProperties?: { readonly maximumPacketSize?: number };
  register(user: BrokerUser): void;
  deregister(user: BrokerUser, done: () => void, autoDisconnect?: boolean): void;
  subscribe(
    topic: string,
    options: object,
    callback: (topic: string, payload: Buffer, packet?: BrokerPacket) => void,
    ref: string,
  ): void;
  unsubscribe(topic: string, ref: string, removed?: boolean): void;
  publish(message: object, done: (error?: unknown) => void): void;
  canConnect(): boolean;
  setOptions(options: object): void;
}

export type BrokerState = 'connected' | 'connecting' | 'disconnected';

export interface BrokerListener {
  /** Told of each change; the broker node shows it as the status of its users. */
  readonly onState: (state: BrokerState) => void;
  /** A failed attempt to connect, before the first connection. Node-RED's broker node does not tell the reason. */
  readonly onFailure: (failure: ConnectionFailure) => void;
}

/** The connection of a broker node, shared with all other nodes that use it. */
export class BrokerTransport implements MqttTransport {
  readonly #broker: BrokerNode;
  /** Reference of the subscriptions, as a node's id is for mqtt in. */
  readonly #ref = randomUUID();
  readonly #user: BrokerUser;
  readonly #filters: string[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #listener: BrokerListener;
  readonly #watch = new PublishWatch();
  #client: WatchedClient | undefined;
  #state: BrokerState | undefined;
  #accepted = false;
  #closed = false;

  constructor(broker: BrokerNode, listener: BrokerListener) {
    this.#broker = broker;
    this.#listener = listener;
    this.#user = { id: this.#ref, status: ({ text }) => this.#setState(brokerState(text)) };
  }

  /**
   * Sets the connection's last will, if it has none. To be called before `register`: the will is part of connecting.
   * @returns whether the broker will publish this message when the connection breaks
   */
  offerWill({ topic, payload, qos, retain }: OutgoingMessage): boolean {
    const { options } = this.#broker;
    if (options?.will) return options.will.topic === topic;
    if (!this.#broker.canConnect()) return false;
    this.#broker.setOptions({ will: { topic, payload, qos, retain } });
    return true;
  }

  /** The first user of a broker node connects it. */
  register(): void {
    this.#broker.register(this.#user);
    this.#follow();
    if (this.connected) this.#setState('connected');
  }

  get connected(): boolean {
    return this.#broker.connected;
  }

  get maximumPacketBytes(): number | undefined {
    return smallest(this.#broker.serverProperties?.maximumPacketSize, this.#watch.learnedBytes);
  }

  subscribe(filter: string, qos: Qos, listener: (message: IncomingMessage) => void): void {
    this.#filters.push(filter);
    const deliver = (topic: string, payload: Buffer, packet: BrokerPacket = {}): void => {
      const { responseTopic, correlationData } = packet.properties ?? {};
      listener({
        topic,
        payload,
        retained: packet.retain === true,
        ...defined({ responseTopic, correlationData }),
      });
    };
    this.#broker.subscribe(filter, { qos }, deliver, this.#ref);
  }

  publish(message: OutgoingMessage): Promise<PublishOutcome> {
    const client = this.#follow();
    // Without a connection the broker node drops the message and never calls back.
    if (!this.connected || client === undefined) return Promise.resolve({ kind: 'unsent' });
    const tooLarge = refusedForSize(message, this.maximumPacketBytes);
    if (tooLarge) return Promise.resolve(tooLarge);
    const { payload, ...rest } = message;
    const body = typeof payload === 'string' ? payload : Buffer.from(payload);
    return this.#watch.publish(client, message, (done) => {
      this.#broker.publish({ ...rest, payload: body }, done);
    });
  }

  brokerRestarted(): void {
    this.#watch.forgetLimit();
  }

  onConnected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(removed: boolean): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    for (const filter of this.#filters) this.#broker.unsubscribe(filter, this.#ref, true);
    return new Promise((resolve) => this.#broker.deregister(this.#user, resolve, removed));
  }

  /** The broker node makes a new client for each deliberate connection. */
  #follow(): WatchedClient | undefined {
    const { client } = this.#broker;
    if (client === undefined || client === this.#client) return client;
    this.#client = client;
    this.#watch.attach(client);
    client.on('connect', () => {
      this.#accepted = true;
    });
    client.on('error', (error) => {
      // A broken connection is the broker node's to report: it logs it, and sets the status.
      if (this.#closed || this.#accepted || this.connected) return;
      const address = this.#broker.brokerurl ?? '';
      const host = URL.canParse(address) ? new URL(address).host : address;
      this.#listener.onFailure(connectionFailure(host, error, false));
    });
    return client;
  }

  #setState(state: BrokerState | undefined): void {
    // While it connects, the broker node sets the status before it makes the client.
    setImmediate(() => this.#follow());
    if (state === undefined || state === this.#state) return;
    this.#state = state;
    this.#listener.onState(state);
    if (state !== 'connected') return;
    // The broker node subscribes again after this; the announcement may cause requests.
    setImmediate(() => {
      if (!this.connected) return;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** @param text key of Node-RED's catalog, e.g. `node-red:common.status.connected` */
function brokerState(text: string | undefined): BrokerState | undefined {
  const word = text?.split('.').at(-1);
  return (['connected', 'connecting', 'disconnected'] as const).find((state) => state === word);
}
