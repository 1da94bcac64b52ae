import type { MqttTransport, OutgoingMessage, PublishOutcome } from './transport/mqtt-transport';

export type Refusal = PublishOutcome & { readonly kind: 'refused' };

type OnRefused = (message: OutgoingMessage, refusal: Refusal) => void;

interface Entry {
  readonly message: OutgoingMessage;
  readonly onRefused: OnRefused;
  state: 'sending' | 'sent' | 'unsent';
  /** Number of the connection that it was last handed to. */
  connection: number;
}

export interface OutboxLimits {
  /** Messages without retain that wait for a connection. */
  readonly waiting: number;
  /** Retained payloads that are kept to be published again. */
  readonly keptBytes: number;
}

export const mostWaiting = 256;

const defaultLimits: OutboxLimits = { waiting: mostWaiting, keptBytes: 64 * 1024 * 1024 };

export interface OutboxListener {
  /** Called for each refused message that was sent without its own listener. */
  readonly onRefused: OnRefused;
  /**
   * Called when the first message without retain has been dropped because too many wait for a connection, and, if more
   * followed, at the next connection. @param dropped how many, since the last connection
   */
  readonly onOverflow: (dropped: number) => void;
}

/** Topics whose refusals are counted. */
const mostRefusedTopics = 1_000;
const refusalsBeforeGivingUp = 2;

/**
 * Publishes each message once, and again where that is right: what found no connection goes out with the next one, and
 * the last retained message of each topic can be published again for a broker that has lost it. What the broker
 * refuses is not sent again, and a topic that it has only ever refused is given up.
 */
export class Outbox {
  readonly #transport: MqttTransport;
  readonly #listener: OutboxListener;
  readonly #limits: OutboxLimits;
  /** The last retained message of each topic, oldest first. */
  readonly #retained = new Map<string, Entry>();
  /** Messages without retain that are not out yet, oldest first. */
  readonly #waiting = new Set<Entry>();
  /** Refusals of each topic that the broker has never taken a message for. */
  readonly #refusals = new Map<string, number>();
  readonly #taken = new Set<string>();
  #connection = 0;
  /** Messages that did not fit since the last connection. */
  #dropped = 0;

  constructor(transport: MqttTransport, listener: OutboxListener, limits: Partial<OutboxLimits> = {}) {
    this.#transport = transport;
    this.#listener = listener;
    this.#limits = { ...defaultLimits, ...limits };
  }

  send(message: OutgoingMessage, onRefused: OnRefused = this.#listener.onRefused): void {
    const { topic, retain } = message;
    if ((this.#refusals.get(topic) ?? 0) >= refusalsBeforeGivingUp) return;
    const entry: Entry = { message, onRefused, state: 'unsent', connection: this.#connection };
    if (retain) {
      // Deleted first, so that the order is the order of sending.
      this.#retained.delete(topic);
      this.#retained.set(topic, entry);
      this.#forgetLarge();
    } else {
      this.#waiting.add(entry);
      this.#dropOldest();
    }
    void this.#publish(entry);
  }

  /** To be called at each connection. */
  connected(): void {
    this.#connection += 1;
    if (this.#dropped > 1) this.#listener.onOverflow(this.#dropped);
    this.#dropped = 0;
    for (const entry of [...this.#retained.values(), ...this.#waiting]) {
      if (entry.state === 'unsent') void this.#publish(entry);
    }
  }

  /** Publishes the last retained message of every topic again: the broker has lost them. */
  restore(): void {
    for (const entry of [...this.#retained.values()]) {
      if (entry.state === 'sent') void this.#publish(entry);
    }
  }

  async #publish(entry: Entry): Promise<void> {
    entry.state = 'sending';
    entry.connection = this.#connection;
    const outcome = await this.#transport.publish(entry.message);
    if (!this.#isCurrent(entry)) return;
    switch (outcome.kind) {
      case 'sent':
        entry.state = 'sent';
        this.#waiting.delete(entry);
        this.#took(entry.message.topic);
        return;
      case 'unsent':
        entry.state = 'unsent';
        // A broken connection is reported late: the next one may be there already.
        if (entry.connection !== this.#connection && this.#transport.connected) void this.#publish(entry);
        return;
      case 'refused':
        this.#remove(entry);
        this.#countRefusal(entry.message.topic);
        entry.onRefused(entry.message, outcome);
    }
  }

  /** Whether no newer message has replaced it. */
  #isCurrent(entry: Entry): boolean {
    const { topic, retain } = entry.message;
    return retain ? this.#retained.get(topic) === entry : this.#waiting.has(entry);
  }

  #dropOldest(): void {
    const before = this.#dropped;
    for (const oldest of this.#waiting) {
      if (this.#waiting.size <= this.#limits.waiting) break;
      this.#waiting.delete(oldest);
      this.#dropped += 1;
    }
    if (before === 0 && this.#dropped > 0) this.#listener.onOverflow(this.#dropped);
  }

  #remove(entry: Entry): void {
    if (entry.message.retain) this.#retained.delete(entry.message.topic);
    else this.#waiting.delete(entry);
  }

  #took(topic: string): void {
    this.#refusals.delete(topic);
    if (this.#taken.size >= mostRefusedTopics) this.#taken.clear();
    this.#taken.add(topic);
  }

  #countRefusal(topic: string): void {
    if (this.#taken.has(topic)) return;
    if (this.#refusals.size >= mostRefusedTopics) this.#refusals.clear();
    this.#refusals.set(topic, (this.#refusals.get(topic) ?? 0) + 1);
  }

  /** Above the limit, the oldest sent payloads are not kept. */
  #forgetLarge(): void {
    const size = ({ message }: Entry): number => Buffer.byteLength(message.payload);
    let keptBytes = [...this.#retained.values()].reduce((sum, entry) => sum + size(entry), 0);
    for (const [topic, entry] of this.#retained) {
      if (keptBytes <= this.#limits.keptBytes) return;
      if (entry.state !== 'sent') continue;
      keptBytes -= size(entry);
      this.#retained.delete(topic);
    }
  }
}
