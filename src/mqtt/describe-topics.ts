import { createHash } from 'node:crypto';
import { checkBase, isCameraName } from './topic-names';

/**
 * Deepest wrong name that is answered, in levels. A filter for all depths (`#`) would also deliver every picture that
 * services below this base publish.
 */
const mostLevels = 8;

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
    checkBase(base);
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
