import type { JsMsg } from '@nats-io/jetstream';
import { errorBody, SmolvlmError } from '../../errors';
import type { FinalEvent } from '../../protocol/events';
import { limits } from '../../protocol/limits';
import { defined } from '../../system/defined';
import { publishCameraAnswer } from '../camera-answers';
import { checkLayout, decodeFrame, idHeader, layoutHeader, objectHeader } from '../frame-message';
import { publishAnswer } from '../kept-answers';
import { LargePictures } from '../large-pictures';
import type { NatsLink } from '../nats-connection';
import { HubFrame } from './hub-frame';
import { plainFrame } from './plain-frame';

const retryDelayMs = 1_000;

/** Reads the messages of the queue: requests of smolvlm's clients, and pictures that other programs publish. */
export class FrameReader {
  readonly #link: NatsLink;
  readonly #pictures: LargePictures;
  readonly #log: (line: string) => void;

  constructor(link: NatsLink, log: (line: string) => void) {
    this.#link = link;
    this.#pictures = new LargePictures(link);
    this.#log = log;
  }

  /** @throws SmolvlmError for what is not a request; other errors when the server is out of reach */
  async read(message: JsMsg): Promise<HubFrame> {
    const { headers, data, subject, seq, timestampNanos } = message;
    const layout = headers?.get(layoutHeader);
    if (layout) {
      checkLayout(layout);
      const object = headers?.get(objectHeader);
      const content = object ? await this.#pictures.get(object) : data;
      return new HubFrame(this.#link, decodeFrame(content), message);
    }
    const { subjects } = this.#link;
    const camera = subjects.cameraOf(subject);
    const id = `${seq}-${timestampNanos}`;
    const publishedAt = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
    const { frame, ownId } = await plainFrame({
      ...{ data, camera, id, publishedAt },
      urgent: subjects.isUrgent(subject),
    });
    return new HubFrame(this.#link, frame, message, { camera, ...defined({ ownId }) });
  }

  /** Ends a message that is not a request with an error for its sender; after other errors it is delivered again. */
  async refuse(message: JsMsg, thrown: unknown): Promise<void> {
    const error = errorBody(thrown);
    const { headers, subject, seq } = message;
    this.#log(`${error.message} (${subject})`);
    if (!(thrown instanceof SmolvlmError)) {
      message.nak(retryDelayMs);
      return;
    }
    const sentId = headers?.get(idHeader) || headers?.get('Nats-Msg-Id') || '';
    // A longer one makes a subject for which the server closes the connection.
    const id = sentId !== '' && sentId.length <= limits.keyCharacters ? sentId : String(seq);
    const final: FinalEvent = { type: 'error', id, error };
    if (headers?.get(layoutHeader)) await publishAnswer(this.#link, final).catch(() => {});
    else publishCameraAnswer(this.#link, this.#link.subjects.cameraOf(subject), final);
    // nats-server 2.9 keeps a terminated message in the stream.
    message.ack();
  }
}
