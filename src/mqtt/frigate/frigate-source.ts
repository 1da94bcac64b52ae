import { createHash } from 'node:crypto';
import { SmolvlmError } from '../../errors';
import { CameraLine } from '../camera-line';
import type { CameraRequest } from '../camera-request';
import type { DescribePayload } from '../describe-payload';
import { type FrigateSettings, mostCameras } from '../service-settings';
import type { IncomingMessage, MqttTransport, Qos } from '../transport/mqtt-transport';
import {
  cameraOfObject,
  type FrigateUpdate,
  frigateSnapshot,
  frigateUpdate,
  snapshotFilter,
  updateTopic,
} from './frigate';

/** What becomes of Frigate's messages. */
export interface FrigateSink {
  /** A picture that a camera has sent, to be described or not. */
  remember(camera: string, picture: Uint8Array): void;
  offer(camera: string, payload: DescribePayload, more?: Pick<CameraRequest, 'frigate'>): void;
  /** Frigate's API did not say which camera an object belongs to. */
  fail(error: SmolvlmError): void;
}

/** Snapshots whose checksums are kept: one for each camera and label. */
const mostSnapshots = 16 * mostCameras;

/** Turns what Frigate publishes into requests. */
export class FrigateSource {
  readonly #settings: FrigateSettings;
  readonly #sink: FrigateSink;
  readonly #signal: AbortSignal;
  /** SHA-256 of the last snapshot of each topic. */
  readonly #last = new Map<string, string>();
  /** Asks which camera an object belongs to, one object at a time; the newest waits. */
  readonly #lookUps: CameraLine<FrigateUpdate>;

  constructor(settings: FrigateSettings, sink: FrigateSink, signal: AbortSignal) {
    this.#settings = settings;
    this.#sink = sink;
    this.#signal = signal;
    this.#lookUps = new CameraLine(
      (update) => this.#lookUp(update),
      () => {},
    );
  }

  subscribe(transport: MqttTransport, qos: Qos): void {
    transport.subscribe(snapshotFilter(this.#settings), qos, (message) => this.#onSnapshot(message));
    transport.subscribe(updateTopic(this.#settings), qos, (message) => this.#onUpdate(message));
  }

  /** Frigate publishes an object's best picture again when the object is gone. */
  #onSnapshot({ topic, payload, retained }: IncomingMessage): void {
    const snapshot = frigateSnapshot(topic, this.#settings);
    if (!snapshot || payload.byteLength === 0) return;
    const { camera, label } = snapshot;
    this.#sink.remember(camera, payload);
    const checksum = createHash('sha256').update(payload).digest('hex');
    const again = this.#last.get(topic) === checksum;
    if (this.#last.size >= mostSnapshots) this.#last.clear();
    this.#last.set(topic, checksum);
    if (!retained && !again) this.#sink.offer(camera, { picture: payload, label, request: {} });
  }

  #onUpdate({ payload, retained }: IncomingMessage): void {
    const update = frigateUpdate(payload);
    if (!update || retained) return;
    const { camera } = update;
    if (camera !== undefined) this.#sink.offer(camera, { request: {} }, { frigate: update });
    else if (this.#settings.url) this.#lookUps.offer(update);
  }

  async #lookUp(frigate: FrigateUpdate): Promise<void> {
    const { url } = this.#settings;
    if (!url) return;
    try {
      const object = await cameraOfObject(url, frigate.id, this.#signal);
      this.#sink.offer(object.camera, { label: object.label, request: {} }, { frigate });
    } catch (cause) {
      if (this.#signal.aborted) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Frigate at ${url.origin} does not say which camera saw ${frigate.id}: ${reason}`;
      const hint = "Check Frigate's address: its API answers on port 5000 without a login.";
      this.#sink.fail(new SmolvlmError('mqtt-frigate', message, { hint, cause }));
    }
  }
}
