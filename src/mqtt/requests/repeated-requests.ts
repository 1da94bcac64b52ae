import { createHash } from 'node:crypto';
import type { CameraRequest } from './camera-request';

/** A publisher that lost its connection sends again what the broker has not acknowledged, usually within seconds. */
const repeatMs = 30_000;
const mostRequests = 256;

interface ReceivedRequest {
  readonly request: CameraRequest;
  readonly content: string;
  readonly at: number;
}

/**
 * Requests that arrive twice: with QoS 1, a publisher repeats a message whose acknowledgement was lost, and the broker
 * passes both on. They are recognised by the `id` that their sender gave them.
 */
export class RepeatedRequests {
  readonly #isOpen: (request: CameraRequest) => boolean;
  readonly #now: () => number;
  /** By camera and id, oldest first. */
  readonly #received = new Map<string, ReceivedRequest>();

  /** @param now a clock that never jumps, milliseconds */
  constructor(isOpen: (request: CameraRequest) => boolean, now = () => performance.now()) {
    this.#isOpen = isOpen;
    this.#now = now;
  }

  /**
   * Remembers a request that has an id.
   * @returns whether the same one, with the same content, is open or came less than half a minute ago
   */
  isRepeated(request: CameraRequest, payload: Uint8Array): boolean {
    const key = keyOf(request);
    if (key === undefined) return false;
    const content = createHash('sha256').update(payload).update(replyOf(request)).digest('base64');
    const before = this.#received.get(key);
    const isKnown = before?.content === content;
    if (isKnown && (this.#isOpen(before.request) || this.#now() - before.at < repeatMs)) return true;
    this.#received.delete(key);
    this.#received.set(key, { request, content, at: this.#now() });
    const [oldest = ''] = this.#received.keys();
    if (this.#received.size > mostRequests) this.#received.delete(oldest);
    return false;
  }

  /** One that has failed may be sent again. */
  forget(request: CameraRequest): void {
    const key = keyOf(request);
    if (key !== undefined && this.#received.get(key)?.request === request) this.#received.delete(key);
  }
}

function keyOf({ camera, payload: { id } }: CameraRequest): string | undefined {
  return id === undefined ? undefined : JSON.stringify([camera, id]);
}

function replyOf({ reply }: CameraRequest): string {
  return reply === undefined
    ? ''
    : JSON.stringify([reply.topic, Buffer.from(reply.correlationData ?? []).toString('base64')]);
}
