import { SmolvlmError } from '../errors';
import type { PictureNote } from './camera-request';
import type { DescribeTopics } from './describe-topics';
import type { Outbox, Refusal } from './outbox';
import { type PreparePicture, shrinkPicture } from './shrink-picture';
import type { MqttTransport, OutgoingMessage, Qos } from './transport/mqtt-transport';
import { packetBytes } from './transport/packet-size';

export interface CameraPicturesOptions {
  readonly transport: MqttTransport;
  readonly outbox: Outbox;
  readonly topics: DescribeTopics;
  readonly qos: Qos;
  readonly prepare: PreparePicture;
  /** Called before a picture is published: Home Assistant is told the type of a camera's pictures. */
  readonly onPicture: (camera: string, picture: Uint8Array) => void;
  readonly onTrouble: (error: SmolvlmError) => void;
}

/** Publishes the pictures of the cameras, smaller or not at all where the broker does not take them as they are. */
export class CameraPictures {
  readonly #options: CameraPicturesOptions;
  /** The picture that was last given for each camera. */
  readonly #newest = new Map<string, Uint8Array>();
  /** What was last reported for each camera. */
  readonly #reported = new Map<string, PictureNote | undefined>();

  constructor(options: CameraPicturesOptions) {
    this.#options = options;
  }

  /** What is expected to become of a picture, as far as the broker's limit is known. */
  expected(camera: string, picture: Uint8Array): PictureNote | undefined {
    return this.#fits(camera, picture) ? undefined : 'shrunk';
  }

  /** @param onNote told what became of the picture when that is not what was expected */
  send(camera: string, picture: Uint8Array, onNote: (note: PictureNote) => void): void {
    void this.#send(camera, picture, this.expected(camera, picture), onNote);
  }

  async #send(
    camera: string,
    picture: Uint8Array,
    noted: PictureNote | undefined,
    onNote: (note: PictureNote) => void,
  ): Promise<void> {
    const { prepare, transport, outbox, onPicture } = this.#options;
    this.#newest.set(camera, picture);
    const limitBytes = transport.maximumPacketBytes ?? Number.POSITIVE_INFINITY;
    const fits = this.#fits(camera, picture);
    const published = fits
      ? picture
      : await shrinkPicture(picture, limitBytes - packetBytes(this.#message(camera, '')), prepare);
    if (this.#newest.get(camera) !== picture) return;
    const note = published === undefined ? 'omitted' : fits ? noted : 'shrunk';
    this.#report(camera, picture, note, `the broker takes packets of at most ${limitBytes} bytes`);
    if (note !== undefined && note !== noted) onNote(note);
    if (published === undefined) return;
    onPicture(camera, published);
    outbox.send(this.#message(camera, published), (message, refusal) => {
      this.#refused(camera, published, message, refusal, onNote);
    });
  }

  #refused(
    camera: string,
    picture: Uint8Array,
    message: OutgoingMessage,
    { reason, tooLarge }: Refusal,
    onNote: (note: PictureNote) => void,
  ): void {
    const { maximumPacketBytes } = this.#options.transport;
    if (tooLarge && maximumPacketBytes !== undefined && maximumPacketBytes < packetBytes(message)) {
      void this.#send(camera, picture, undefined, onNote);
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
  #report(camera: string, picture: Uint8Array, note: PictureNote | undefined, reason: string): void {
    if (this.#reported.get(camera) === note) return;
    this.#reported.set(camera, note);
    if (note === undefined) return;
    const what = note === 'shrunk' ? 'is published smaller' : 'is not published';
    const text = `a picture of camera "${camera}" with ${picture.byteLength} bytes ${what}: ${reason}`;
    const hint = 'Raise the packet limit of the broker, or have the camera send smaller pictures.';
    this.#options.onTrouble(new SmolvlmError('mqtt-picture-too-large', text, { hint }));
  }

  #message(camera: string, payload: Uint8Array | string): OutgoingMessage {
    const { topics, qos } = this.#options;
    // Only an acknowledgement tells that the broker has taken a picture.
    return { topic: topics.picture(camera), payload, qos: qos === 0 ? 1 : qos, retain: true };
  }
}
