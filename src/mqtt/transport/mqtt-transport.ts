export type Qos = 0 | 1 | 2;

/** A message as it arrives. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Published before this client subscribed, and kept by the broker. */
  readonly retained: boolean;
  /** MQTT 5. */
  readonly responseTopic?: string;
  /** MQTT 5; returned with the response. */
  readonly correlationData?: Uint8Array;
}

export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** MQTT 5, left out where the connection is older. */
  readonly contentType?: string;
  /** MQTT 5, left out where the connection is older. */
  readonly correlationData?: Uint8Array;
}

/** What became of a message. */
export type PublishOutcome =
  | { readonly kind: 'sent' }
  /** There is no connection, or it broke for another reason: the message can be sent again. */
  | { readonly kind: 'unsent' }
  /** The broker does not take this message: sending it again would fail again, or break the connection again. */
  | { readonly kind: 'refused'; readonly reason: string; readonly tooLarge: boolean };

/** A connection to a broker: Node-RED's broker node, or a client of this package. */
export interface MqttTransport {
  readonly connected: boolean;
  /**
   * Largest packet that the broker takes, in bytes: what it says when it accepts an MQTT 5 connection, or what was
   * learned from a message that it refused. Undefined when no limit is known.
   */
  readonly maximumPacketBytes: number | undefined;
  /** Calls back for every message of the filter; subscribed again after every reconnection. */
  subscribe(filter: string, qos: Qos, listener: (message: IncomingMessage) => void): void;
  /** Never rejects. */
  publish(message: OutgoingMessage): Promise<PublishOutcome>;
  /** The broker has lost its retained messages: it was restarted, and what it seemed to refuse before may be taken now. */
  brokerRestarted(): void;
  /** Calls back after each connection, the first and every other one. */
  onConnected(listener: () => void): void;
  /**
   * Ends subscriptions, and the connection if this transport owns it.
   * @param removed whether a shared connection is no longer needed by its user
   */
  close(removed: boolean): Promise<void>;
}
