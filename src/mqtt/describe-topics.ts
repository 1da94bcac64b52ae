import { createHash } from 'node:crypto';
import { SmolvlmError } from '../errors';

const longestName = 64;

/** Whether a text can be one level of a topic that is published to, and is short enough to be a camera's name. */
export function isCameraName(name: string): boolean {
  return name !== '' && name.length <= longestName && !/[+#/$\p{Cc}]/u.test(name);
}

/** @throws SmolvlmError `mqtt-camera-name` */
export function checkCameraName(name: string): string {
  if (isCameraName(name)) return name;
  throw new SmolvlmError(
    'mqtt-camera-name',
    `expected a camera's name of 1 to ${longestName} characters without + # / $, received "${name.slice(0, 80)}"`,
    { hint: 'Choose a name that can be one level of an MQTT topic, for example porch.' },
  );
}

/** Whether a topic may be published to: no wildcards, nothing reserved for the broker. */
export function isPublishTopic(topic: string): boolean {
  return (
    topic !== '' && Buffer.byteLength(topic) <= 65_535 && !topic.startsWith('$') && !/[+#\0]/.test(topic)
  );
}

/** The service's topics below its base, e.g. `smolvlm/porch/describe` and `smolvlm/porch/caption`. */
export class DescribeTopics {
  /** What requests arrive on. */
  readonly describeFilter: string;
  /** `online` or `offline`, retained. */
  readonly availability: string;

  /** @throws SmolvlmError `mqtt-topic` for a base that no topic can begin with */
  constructor(readonly base: string) {
    if (!isPublishTopic(base) || /^\/|\/$|\/\//.test(base)) {
      throw new SmolvlmError('mqtt-topic', `expected a topic without wildcards, received "${base}"`, {
        hint: 'Write for example smolvlm or home/cameras, with no slash at either end.',
      });
    }
    this.describeFilter = `${base}/+/describe`;
    this.availability = `${base}/availability`;
  }

  /** @returns the camera that a describe topic names; undefined for any other topic and for a name that is none */
  cameraOf(topic: string): string | undefined {
    const [head, tail] = [`${this.base}/`, '/describe'];
    if (!topic.startsWith(head) || !topic.endsWith(tail)) return undefined;
    const camera = topic.slice(head.length, -tail.length);
    return isCameraName(camera) ? camera : undefined;
  }

  describe(camera: string): string {
    return `${this.base}/${camera}/describe`;
  }

  /** The caption in at most 255 characters, retained. */
  caption(camera: string): string {
    return `${this.base}/${camera}/caption`;
  }

  /** The whole answer as JSON, retained. */
  attributes(camera: string): string {
    return `${this.base}/${camera}/attributes`;
  }

  /** The picture that was described, retained. */
  picture(camera: string): string {
    return `${this.base}/${camera}/picture`;
  }

  /** Requests that did not get their turn, as JSON. */
  dropped(camera: string): string {
    return `${this.base}/${camera}/dropped`;
  }

  /** Requests that failed, as JSON. */
  error(camera: string): string {
    return `${this.base}/${camera}/error`;
  }

  /**
   * A camera's id where only letters, digits, `_` and `-` may stand. Names that look alike then
   * (`porch 1`, `porch_1`) are told apart by a checksum.
   */
  id(camera: string): string {
    const topic = `${this.base}/${camera}`;
    const levels = topic.split('/');
    if (levels.every((level) => /^[a-zA-Z0-9_]+$/.test(level))) return levels.join('-');
    const slug = topic.replaceAll(/[^a-zA-Z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '');
    return `${slug}_${createHash('sha256').update(topic).digest('hex').slice(0, 8)}`;
  }
}
