export type Qos = 0 | 1 | 2;

/** A message as it arrives. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Published before this client subscribed, and kept by the broker. */
  readonly retained: boolean;
  /** MQTT 5. */
  readonly responseTopic?: string;
  /** MQTT 5; goes back with the response. */
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

/** A connection to a broker, whoever owns it: Node-RED's broker node, or a client of this package. */
export interface MqttTransport {
  readonly connected: boolean;
  /** Calls back for every message of the filter; subscribed again after every reconnection. */
  subscribe(filter: string, qos: Qos, listener: (message: IncomingMessage) => void): void;
  /** @returns false when there is no connection, or it broke before the message was out; never rejects */
  publish(message: OutgoingMessage): Promise<boolean>;
  /** Calls back after each connection, the first and every other one. */
  onConnected(listener: () => void): void;
  /**
   * Ends subscriptions, and the connection if it is this transport's own.
   * @param removed whether nobody will come back for a shared connection
   */
  close(removed: boolean): Promise<void>;
}
