import type { OutgoingMessage, PublishOutcome } from './mqtt-transport';
import { packetBytes } from './packet-size';

/** The parts of an mqtt.js client that publishing needs. Node-RED's broker node has this client too. */
export interface WatchedClient {
  on(event: 'connect' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error & { readonly code?: number | string }) => void): unknown;
  on(event: 'disconnect', listener: (packet: { readonly reasonCode?: number }) => void): unknown;
  getLastMessageId(): number;
  removeOutgoingMessage(messageId: number): unknown;
  readonly stream: { destroy(): unknown };
}

/** A message to publish, until its outcome is known. */
interface Flight {
  readonly message: OutgoingMessage;
  readonly sizeBytes: number;
  readonly start: () => void;
  readonly resolve: (outcome: PublishOutcome) => void;
  /** Of a message with QoS 1 or 2, when it was handed to the client. */
  messageId?: number;
}

/** Why a connection ended, as far as that is known at its end. */
type Ending =
  | { readonly by: 'unknown' }
  | { readonly by: 'network' }
  | { readonly by: 'broker'; readonly reason: string; readonly tooLarge: boolean };

/** Messages up to this size are never assumed to be too large. */
const smallBytes = 8 * 1024;

/** After a broker has refused a picture without naming its limit, pictures are made this small at once. */
const cautiousBytes = 128 * 1024;

/** MQTT 5 reason codes that concern the message and not the connection. */
const messageFaults: ReadonlyMap<number, string> = new Map([
  [0x83, 'implementation specific error'],
  [0x87, 'not authorized'],
  [0x90, 'topic name invalid'],
  [0x95, 'packet too large'],
  [0x97, 'quota exceeded'],
  [0x99, 'payload format invalid'],
  [0x9a, 'retain not supported'],
  [0x9b, 'QoS not supported'],
]);
const packetTooLarge = 0x95;

const networkCodes = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN']);

/** Topics that are remembered as taken. */
const mostTopics = 1_000;

/**
 * Finds out what became of each published message, and which message made a broker close the connection.
 *
 * mqtt.js sends what is not acknowledged again at each reconnection, before anything else. A message that the broker
 * answers by closing the connection then breaks every further connection. Therefore everything in flight is taken back
 * from the client when the connection ends, and its sender decides. A message that is larger than any that the broker
 * has taken is in flight alone, and so is every message after a connection ended for an unknown reason: which one broke
 * it is then certain. That message is refused when the broker says so (MQTT 5), when the next attempt to connect
 * succeeds at once (a broker that is away or restarts does not accept it), or when the connection ends for the second
 * time while the message is in flight.
 */
export class PublishWatch {
  readonly #clients = new WeakSet<WatchedClient>();
  #flights = new Set<Flight>();
  #queue: Flight[] = [];
  /** Whether each message is sent alone. */
  #careful = false;
  #suspect: Flight | undefined;
  #ending: Ending = { by: 'unknown' };
  /** Messages that were in flight alone when a connection ended. */
  readonly #struck = new WeakSet<OutgoingMessage>();
  readonly #takenTopics = new Set<string>();
  #largestTakenBytes = 0;
  #learnedBytes: number | undefined;

  /** Largest packet, learned from refused messages. */
  get learnedBytes(): number | undefined {
    return this.#learnedBytes;
  }

  /** Follows a client. Another call with the same client does nothing. */
  attach(client: WatchedClient): void {
    if (this.#clients.has(client)) return;
    this.#clients.add(client);
    client.on('connect', () => this.#onConnect());
    client.on('close', () => this.#onClose(client));
    client.on('error', (error) => this.#onError(client, error));
    client.on('disconnect', ({ reasonCode = 0 }) => this.#onDisconnect(reasonCode));
  }

  /** @param send hands the message to the client, which calls `done` when the message is acknowledged or has failed */
  publish(
    client: WatchedClient,
    message: OutgoingMessage,
    send: (done: (error?: unknown) => void) => void,
  ): Promise<PublishOutcome> {
    return new Promise((resolve) => {
      const flight: Flight = {
        ...{ message, sizeBytes: packetBytes(message), resolve },
        start: () => {
          const before = client.getLastMessageId();
          send((error) => this.#onDone(flight, error));
          const after = client.getLastMessageId();
          if (message.qos > 0 && after !== before) flight.messageId = after;
        },
      };
      this.#queue.push(flight);
      this.#startNext();
    });
  }

  /** Forgets the learned limit: a restart of the broker was mistaken for a refusal, or its limit has changed. */
  forgetLimit(): void {
    this.#learnedBytes = undefined;
  }

  /** Ends what is still open. */
  close(): void {
    for (const flight of this.#takeAll()) flight.resolve({ kind: 'unsent' });
    this.#settle({ kind: 'unsent' });
  }

  #startNext(): void {
    for (let [next] = this.#queue; next !== undefined; [next] = this.#queue) {
      const alone = this.#isAlone(next) || [...this.#flights].some((flight) => this.#isAlone(flight));
      if (alone && this.#flights.size > 0) return;
      this.#queue.shift();
      this.#flights.add(next);
      next.start();
    }
    if (this.#flights.size === 0) this.#careful = false;
  }

  #isAlone({ sizeBytes }: Flight): boolean {
    return this.#careful || this.#isRecord(sizeBytes);
  }

  /** Larger than any message that the broker has taken. */
  #isRecord(sizeBytes: number): boolean {
    return sizeBytes > Math.max(smallBytes, this.#largestTakenBytes);
  }

  #takeAll(): readonly Flight[] {
    const flights = [...this.#flights, ...this.#queue];
    this.#flights = new Set();
    this.#queue = [];
    return flights;
  }

  #onDone(flight: Flight, error: unknown): void {
    if (!this.#flights.delete(flight)) return;
    if (error) flight.resolve(this.#failed(flight, error));
    else {
      const { message, sizeBytes } = flight;
      if (message.qos > 0) {
        this.#largestTakenBytes = Math.max(this.#largestTakenBytes, sizeBytes);
        if (this.#takenTopics.size >= mostTopics) this.#takenTopics.clear();
        this.#takenTopics.add(message.topic);
      }
      flight.resolve({ kind: 'sent' });
    }
    this.#startNext();
  }

  #failed(flight: Flight, error: unknown): PublishOutcome {
    const { message = String(error), code } = error as Error & { readonly code?: number | string };
    // mqtt.js gives the acknowledgement's reason code; its own errors, of a closed connection, have none.
    if (typeof code !== 'number' && /closed|disconnecting|removed|no connection/i.test(message)) {
      return { kind: 'unsent' };
    }
    return this.#refused(flight, message.replace(/^Publish error: /, ''), code === packetTooLarge);
  }

  #refused({ message, sizeBytes }: Flight, reason: string, tooLarge: boolean): PublishOutcome {
    this.#struck.add(message);
    if (tooLarge) {
      // The limit may have become lower since then.
      this.#largestTakenBytes = Math.min(this.#largestTakenBytes, sizeBytes - 1);
      const isFirst = this.#learnedBytes === undefined;
      const bytes = isFirst ? Math.min(sizeBytes / 2, cautiousBytes) : 0;
      this.#learnedBytes = Math.max(Math.floor(bytes), this.#largestTakenBytes, smallBytes);
    }
    return { kind: 'refused', reason, tooLarge };
  }

  #onConnect(): void {
    this.#ending = { by: 'unknown' };
    this.#settle(undefined);
  }

  #onClose(client: WatchedClient): void {
    // The attempt after the connection's end has failed as well: the broker or the network is away.
    this.#settle({ kind: 'unsent' });
    const ending = this.#ending;
    this.#ending = { by: 'unknown' };
    const inFlight = [...this.#flights];
    const suspect =
      ending.by === 'broker' && ending.tooLarge
        ? largest(inFlight)
        : inFlight.length === 1
          ? inFlight[0]
          : undefined;
    const flights = this.#takeAll();
    if (ending.by !== 'network' && inFlight.length > 0) this.#careful = true;
    for (const { messageId } of inFlight) {
      if (messageId !== undefined) client.removeOutgoingMessage(messageId);
    }
    for (const flight of flights) {
      if (flight !== suspect) flight.resolve({ kind: 'unsent' });
    }
    if (suspect === undefined) return;
    if (ending.by === 'broker') {
      suspect.resolve(this.#refused(suspect, ending.reason, ending.tooLarge));
    } else if (this.#struck.has(suspect.message)) {
      suspect.resolve(this.#refused(suspect, 'the connection ended twice while it was sent', false));
    } else if (ending.by === 'network') {
      this.#struck.add(suspect.message);
      suspect.resolve({ kind: 'unsent' });
    } else {
      this.#suspect = suspect;
    }
  }

  /** Decides about the suspected message. @param outcome refused when absent */
  #settle(outcome: PublishOutcome | undefined): void {
    const suspect = this.#suspect;
    this.#suspect = undefined;
    if (suspect === undefined) return;
    this.#struck.add(suspect.message);
    const tooLarge = this.#isRecord(suspect.sizeBytes);
    // On a shared connection another message may be the cause: a usual one gets a second attempt.
    const isUsual = !tooLarge && this.#takenTopics.has(suspect.message.topic);
    const refused = (): PublishOutcome =>
      this.#refused(suspect, 'the broker closed the connection when it was sent', tooLarge);
    suspect.resolve(outcome ?? (isUsual ? { kind: 'unsent' } : refused()));
  }

  #onDisconnect(reasonCode: number): void {
    const reason = messageFaults.get(reasonCode);
    this.#ending =
      reason === undefined
        ? { by: 'network' }
        : { by: 'broker', reason, tooLarge: reasonCode === packetTooLarge };
  }

  #onError(client: WatchedClient, { message, code }: Error & { readonly code?: number | string }): void {
    if (/keepalive timeout/i.test(message) || networkCodes.has(String(code))) {
      this.#ending = { by: 'network' };
    }
    // Mosquitto acknowledges a message above its `message_size_limit` with a reason code that MQTT 5 does not have
    // for acknowledgements. mqtt.js does not say which message was meant, and receives nothing more on this connection.
    if (/invalid pub(ack|rec) reason code/i.test(message)) this.#refuseRecord(client);
  }

  #refuseRecord(client: WatchedClient): void {
    const [flight] = this.#flights;
    if (flight?.messageId === undefined || !this.#isRecord(flight.sizeBytes)) return;
    this.#flights.delete(flight);
    client.removeOutgoingMessage(flight.messageId);
    flight.resolve(this.#refused(flight, 'packet too large', true));
    this.#ending = { by: 'network' };
    client.stream.destroy();
  }
}

function largest(flights: readonly Flight[]): Flight | undefined {
  return flights.reduce<Flight | undefined>(
    (found, flight) => (found && found.sizeBytes >= flight.sizeBytes ? found : flight),
    undefined,
  );
}
