import { randomUUID } from 'node:crypto';
import type { Node } from 'node-red';
import type {
  IncomingMessage,
  MqttTransport,
  OutgoingMessage,
  Qos,
} from '../../mqtt/transport/mqtt-transport';

/** What Node-RED's `mqtt-broker` node calls on those who registered with it. */
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

/** Longest wait for a message to be handed over; a connection that breaks meanwhile never calls back. */
const publishMs = 5_000;

/** The connection of a broker node, shared with all other nodes that use it. */
export class BrokerTransport implements MqttTransport {
  readonly #broker: BrokerNode;
  /** Reference of the subscriptions, as a node's id is for mqtt in. */
  readonly #ref = randomUUID();
  readonly #user: BrokerUser;
  readonly #filters: string[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #onState: (state: BrokerState) => void;
  #state: BrokerState | undefined;

  /** @param onState told of each change; the broker node shows it as the status of its users */
  constructor(broker: BrokerNode, onState: (state: BrokerState) => void) {
    this.#broker = broker;
    this.#onState = onState;
    this.#user = { id: this.#ref, status: ({ text }) => this.#setState(brokerState(text)) };
  }

  /**
   * Has the broker say this when the connection breaks, if nobody else chose what it says.
   * To be called before `register`: a last will is part of connecting.
   * @returns whether it will
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
    if (this.connected) this.#setState('connected');
  }

  get connected(): boolean {
    return this.#broker.connected;
  }

  subscribe(filter: string, qos: Qos, listener: (message: IncomingMessage) => void): void {
    this.#filters.push(filter);
    const deliver = (topic: string, payload: Buffer, packet: BrokerPacket = {}): void => {
      const { responseTopic, correlationData } = packet.properties ?? {};
      listener({
        topic,
        payload,
        retained: packet.retain === true,
        ...(responseTopic !== undefined && { responseTopic }),
        ...(correlationData && { correlationData }),
      });
    };
    this.#broker.subscribe(filter, { qos }, deliver, this.#ref);
  }

  publish({ payload, ...message }: OutgoingMessage): Promise<boolean> {
    // Without a connection the broker node drops the message and never calls back.
    if (!this.connected) return Promise.resolve(false);
    const body = typeof payload === 'string' ? payload : Buffer.from(payload);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), publishMs);
      this.#broker.publish({ ...message, payload: body }, (error) => {
        clearTimeout(timer);
        resolve(!error);
      });
    });
  }

  onConnected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(removed: boolean): Promise<void> {
    for (const filter of this.#filters) this.#broker.unsubscribe(filter, this.#ref, true);
    return new Promise((resolve) => this.#broker.deregister(this.#user, resolve, removed));
  }

  #setState(state: BrokerState | undefined): void {
    if (state === undefined || state === this.#state) return;
    this.#state = state;
    this.#onState(state);
    if (state !== 'connected') return;
    // The broker node is about to subscribe again; what is announced may bring requests.
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
