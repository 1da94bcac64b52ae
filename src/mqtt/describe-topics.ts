import { createHash } from 'node:crypto';
import { SmolvlmError } from '../errors';

const longestName = 64;

/**
 * Deepest wrong name that is answered, in levels. A filter for all depths (`#`) would also deliver every picture that
 * services below this base publish.
 */
const mostLevels = 8;

/** Longest base or prefix, so that every topic below it stays within MQTT's 65,535 bytes. */
const longestBaseBytes = 1_024;

/** Whether a text can be one level of a topic that is published to, and is short enough to be a camera's name. */
export function isCameraName(name: string): boolean {
  return name !== '' && name.length <= longestName && !/[+#/$\p{Cc}\p{Cs}]/u.test(name);
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
    topic !== '' &&
    Buffer.byteLength(topic) <= 65_535 &&
    !topic.startsWith('$') &&
    !/[+#\p{Cc}\p{Cs}]/u.test(topic)
  );
}

/** @param what the setting, for the error @throws SmolvlmError `mqtt-topic` */
export function checkTopicPrefix(text: string, what: string): string {
  if (isPublishTopic(text) && Buffer.byteLength(text) <= longestBaseBytes) return text;
  throw new SmolvlmError(
    'mqtt-topic',
    `${what}: expected a topic of at most ${longestBaseBytes} bytes without wildcards, received "${text.slice(0, 80)}"`,
    { hint: 'Write for example smolvlm or home/cameras.' },
  );
}

/** What a topic below the base asks for. */
export type DescribeTopic =
  | { readonly kind: 'request'; readonly camera: string }
  /** A describe topic, but with a name that a camera cannot have: too long, or of several levels. */
  | { readonly kind: 'wrong-name'; readonly name: string };

/** The service's topics below its base, e.g. `smolvlm/porch/describe` and `smolvlm/porch/caption`. */
export class DescribeTopics {
  /** Filter of the requests. */
  readonly describeFilter: string;
  /** Filters of requests with slashes in the camera's name, which are answered with an error. */
  readonly misplacedFilters: readonly string[];
  /** `online` or `offline`, retained. */
  readonly availability: string;
  /** Availability of services whose base is below this one. */
  readonly nestedAvailabilityFilters: readonly string[];

  /** @throws SmolvlmError `mqtt-topic` for a base that no topic can begin with */
  constructor(readonly base: string) {
    checkTopicPrefix(base, 'base topic');
    if (/^\/|\/$|\/\//.test(base)) {
      throw new SmolvlmError(
        'mqtt-topic',
        `base topic: expected a topic without empty levels, received "${base}"`,
        {
          hint: 'Write for example smolvlm or home/cameras, with no slash at either end.',
        },
      );
    }
    this.describeFilter = `${base}/+/describe`;
    const names = Array.from({ length: mostLevels }, (_, index) => '/+'.repeat(index + 1));
    this.misplacedFilters = names.slice(1).map((name) => `${base}${name}/describe`);
    this.availability = `${base}/availability`;
    this.nestedAvailabilityFilters = names.slice(0, -1).map((name) => `${base}${name}/availability`);
  }

  isDescribe(topic: string): boolean {
    const isLongEnough = topic.length >= this.base.length + '//describe'.length;
    return isLongEnough && topic.startsWith(`${this.base}/`) && topic.endsWith('/describe');
  }

  /** @returns undefined for a topic that is not a describe topic */
  parse(topic: string): DescribeTopic | undefined {
    if (!this.isDescribe(topic)) return undefined;
    const name = topic.slice(this.base.length + 1, -'/describe'.length);
    return isCameraName(name) ? { kind: 'request', camera: name } : { kind: 'wrong-name', name };
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

  /** The described picture, retained. */
  picture(camera: string): string {
    return `${this.base}/${camera}/picture`;
  }

  /** Requests that were dropped, as JSON. */
  dropped(camera: string): string {
    return `${this.base}/${camera}/dropped`;
  }

  /** Requests that failed, as JSON. */
  error(camera: string): string {
    return `${this.base}/${camera}/error`;
  }

  /**
   * A camera's id where only letters, digits, `_` and `-` are allowed. A checksum distinguishes names that
   * would become the same (`porch 1`, `porch_1`).
   */
  id(camera: string): string {
    const topic = `${this.base}/${camera}`;
    const levels = topic.split('/');
    if (levels.every((level) => /^[a-zA-Z0-9_]+$/.test(level))) return levels.join('-');
    const slug = topic.replaceAll(/[^a-zA-Z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '');
    return `${slug}_${createHash('sha256').update(topic).digest('hex').slice(0, 8)}`;
  }
}
