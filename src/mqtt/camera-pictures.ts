import { errorBody, SmolvlmError } from '../errors';
import type { DescribeTopics } from './describe-topics';
import type { Outbox, Refusal } from './outbox';
import { type PreparePicture, type PublishedPicture, publishedPicture } from './published-picture';
import type { PictureNote } from './requests/camera-request';
import type { MqttTransport, OutgoingMessage, Qos } from './transport/mqtt-transport';
import { packetBytes } from './transport/packet-size';

export interface CameraPicturesOptions {
  readonly transport: MqttTransport;
  readonly outbox: Outbox;
  readonly topics: DescribeTopics;
  readonly qos: Qos;
  readonly prepare: PreparePicture;
  readonly onTrouble: (error: SmolvlmError) => void;
}

/** Told what became of a picture; undefined: it is published in its size. */
type OnNote = (note: PictureNote | undefined) => void;

/**
 * Publishes the pictures of the cameras, as JPEGs with their pixels and nothing else; smaller or not at all where the
 * broker does not take them in their size.
 */
export class CameraPictures {
  readonly #options: CameraPicturesOptions;
  /** For each camera with pictures being made ready: the last one. */
  readonly #newest = new Map<string, Uint8Array>();
  /** What was last reported for each camera. */
  readonly #reported = new Map<string, string>();
  #closed = false;

  constructor(options: CameraPicturesOptions) {
    this.#options = options;
  }

  /** What is expected to become of a picture, as far as the broker's limit is known. */
  expected(camera: string, picture: Uint8Array): PictureNote | undefined {
    return this.#fits(camera, picture) ? undefined : 'shrunk';
  }

  /** @param onNote told what became of the picture when that is not what was expected */
  send(camera: string, picture: Uint8Array, onNote: OnNote): void {
    void this.#send(camera, picture, this.expected(camera, picture), onNote);
  }

  /** Pictures that are not ready are left out without a report. */
  close(): void {
    this.#closed = true;
  }

  async #send(
    camera: string,
    picture: Uint8Array,
    noted: PictureNote | undefined,
    onNote: OnNote,
  ): Promise<void> {
    const { prepare, transport, outbox } = this.#options;
    this.#newest.set(camera, picture);
    const limitBytes = transport.maximumPacketBytes ?? Number.POSITIVE_INFINITY;
    let published: PublishedPicture | undefined;
    let reason = `the broker accepts packets of at most ${limitBytes} bytes`;
    let code = 'mqtt-picture-too-large';
    try {
      const largest = limitBytes - packetBytes(this.#message(camera, ''));
      published = await publishedPicture(picture, largest, prepare);
    } catch (error) {
      ({ code, message: reason } = errorBody(error));
    }
    if (this.#closed || this.#newest.get(camera) !== picture) return;
    this.#newest.delete(camera);
    const note = published === undefined ? 'omitted' : published.isShrunk ? 'shrunk' : undefined;
    this.#report(camera, picture, note, reason, code);
    if (note !== noted) onNote(note);
    if (published === undefined) return;
    const { jpeg } = published;
    outbox.send(this.#message(camera, jpeg), (message, refusal) => {
      this.#refused(camera, jpeg, message, refusal, note, onNote);
    });
  }

  #refused(
    camera: string,
    picture: Uint8Array,
    message: OutgoingMessage,
    { reason, tooLarge }: Refusal,
    noted: PictureNote | undefined,
    onNote: OnNote,
  ): void {
    const { maximumPacketBytes } = this.#options.transport;
    if (tooLarge && maximumPacketBytes !== undefined && maximumPacketBytes < packetBytes(message)) {
      void this.#send(camera, picture, noted, onNote);
      return;
    }
    this.#report(camera, picture, 'omitted', reason);
    onNote('omitted');
  }

  #fits(camera: string, picture: Uint8Array): boolean {
    const { maximumPacketBytes } = this.#options.transport;
    return (
      maximumPacketBytes === undefined || packetBytes(this.#message(camera, picture)) <= maximumPacketBytes
    );
  }

  /** Once for each camera until that changes. */
  #report(
    camera: string,
    picture: Uint8Array,
    note: PictureNote | undefined,
    reason: string,
    code = 'mqtt-picture-too-large',
  ): void {
    const reported = note && `${note} ${code}`;
    if (this.#reported.get(camera) === reported) return;
    if (reported === undefined) {
      this.#reported.delete(camera);
      return;
    }
    this.#reported.set(camera, reported);
    const what = note === 'shrunk' ? 'is published smaller' : 'is not published';
    const text = `a picture of camera "${camera}" with ${picture.byteLength} bytes ${what}: ${reason}`;
    const hint =
      code === 'mqtt-picture-too-large'
        ? 'Raise the packet limit of the broker, or have the camera send smaller pictures.'
        : 'The caption is published without it.';
    this.#options.onTrouble(new SmolvlmError(code, text, { hint }));
  }

  #message(camera: string, payload: Uint8Array | string): OutgoingMessage {
    const { topics, qos } = this.#options;
    // Only an acknowledgement tells that the broker has taken a picture.
    return { topic: topics.picture(camera), payload, qos: qos === 0 ? 1 : qos, retain: true };
  }
}
