import { createHash } from 'node:crypto';
import { SmolvlmError } from '../../errors';
import { shownText } from '../../system/shown-address';
import type { CameraRequest } from '../requests/camera-request';
import type { DescribePayload } from '../requests/describe-payload';
import type { FrigateSettings } from '../service-settings';
import { mostCameras } from '../topic-names';
import type { IncomingMessage, MqttTransport, Qos } from '../transport/mqtt-transport';
import {
  cameraOfObject,
  type FrigateUpdate,
  frigateSnapshot,
  frigateUpdate,
  isWantedLabel,
  snapshotFilter,
  updateTopic,
} from './frigate';

/** Receives what Frigate's messages turn into. */
export interface FrigateSink {
  /** A picture that a camera has sent, to be described or not. */
  remember(camera: string, picture: Uint8Array): void;
  offer(camera: string, payload: DescribePayload, more?: Pick<CameraRequest, 'frigate'>): void;
  /** An update that cannot become a request. */
  fail(error: SmolvlmError): void;
}

/** Snapshots whose checksums are kept: one for each camera and label. */
const mostSnapshots = 16 * mostCameras;

/** Updates that wait to be looked up in Frigate's API. */
const mostLookUps = mostCameras;

/** Turns what Frigate publishes into requests. */
export class FrigateSource {
  readonly #settings: FrigateSettings;
  readonly #sink: FrigateSink;
  readonly #signal: AbortSignal;
  /** SHA-256 of the last snapshot of each topic. */
  readonly #last = new Map<string, string>();
  /** Updates that are looked up one after the other. */
  readonly #lookUps: FrigateUpdate[] = [];
  #lookingUp = false;
  #hasReportedAddress = false;

  constructor(settings: FrigateSettings, sink: FrigateSink, signal: AbortSignal) {
    this.#settings = settings;
    this.#sink = sink;
    this.#signal = signal;
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
    const isSame = this.#last.get(topic) === checksum;
    if (this.#last.size >= mostSnapshots) this.#last.clear();
    this.#last.set(topic, checksum);
    if (!retained && !isSame) this.#sink.offer(camera, { picture: payload, label, request: {} });
  }

  #onUpdate({ payload, retained }: IncomingMessage): void {
    const update = frigateUpdate(payload);
    if (!update || retained || this.#signal.aborted) return;
    const { labels, url } = this.#settings;
    // An update does not name the object's label: only the API gives it.
    if (update.camera !== undefined && labels.length === 0) {
      this.#sink.offer(update.camera, { request: {} }, { frigate: update });
    } else if (url) {
      this.#lookUps.push(update);
      const dropped = this.#lookUps.length > mostLookUps ? this.#lookUps.shift() : undefined;
      if (dropped) this.#fail(`the update of ${dropped.id} is dropped: ${mostLookUps} newer ones wait`);
      void this.#lookUpAll(url);
    } else if (!this.#hasReportedAddress) {
      this.#hasReportedAddress = true;
      this.#fail("Frigate's address is missing: without it, the object of an update is unknown");
    }
  }

  async #lookUpAll(url: URL): Promise<void> {
    if (this.#lookingUp) return;
    this.#lookingUp = true;
    for (let next = this.#lookUps.shift(); next && !this.#signal.aborted; next = this.#lookUps.shift()) {
      await this.#lookUp(url, next);
    }
    this.#lookingUp = false;
  }

  async #lookUp(url: URL, frigate: FrigateUpdate): Promise<void> {
    try {
      const { camera, label } = await cameraOfObject(url, frigate.id, this.#signal);
      if (!isWantedLabel(label, this.#settings)) return;
      this.#sink.offer(camera, { label, request: {} }, { frigate });
    } catch (cause) {
      if (this.#signal.aborted) return;
      // fetch repeats an address that it refuses, with its login.
      const reason = shownText(cause instanceof Error ? cause.message : String(cause));
      this.#fail(
        `Frigate at ${url.origin} does not say which camera detected ${frigate.id}: ${reason}`,
        cause,
      );
    }
  }

  #fail(message: string, cause?: unknown): void {
    const hint = "Check Frigate's address: its API answers on port 5000 without a login.";
    this.#sink.fail(new SmolvlmError('mqtt-frigate', message, { hint, cause }));
  }
}
