import type { ConsumerInfo } from '@nats-io/jetstream';
import { ackWaitOf, consumerOf } from '../frame-streams';
import type { FrameKind } from '../frame-subjects';
import { type NatsLink, ServerNotReady } from '../nats-connection';

/** How long servers that choose a leader may report a consumer as missing. */
const electionMs = 5_000;

interface KnownConsumer {
  readonly ackWaitMs: number;
  /** Whether it need not be looked up before the next frame. */
  isSure: boolean;
  /** Since when it has not been found. */
  missingSince?: number;
}

/** Which kinds of frames hubs take, as this client has found them. */
export class FrameConsumers {
  readonly #link: NatsLink;
  /** By name. */
  readonly #known = new Map<string, KnownConsumer>();

  constructor(link: NatsLink) {
    this.#link = link;
  }

  /** Whether a hub has ever offered to take these frames. @throws ServerNotReady when it is not certain yet */
  async isOffered(kind: FrameKind): Promise<boolean> {
    const name = this.#link.subjects.consumer(kind);
    if (this.#known.get(name)?.isSure) return true;
    if (await this.#lookUp(kind)) return true;
    const known = this.#known.get(name);
    if (!known) return false;
    known.missingSince ??= performance.now();
    if (performance.now() - known.missingSince < electionMs) {
      throw new ServerNotReady(`the consumer "${name}" is not found at the moment`);
    }
    this.#known.delete(name);
    return false;
  }

  /** The next frame is sent only when it has been found again. */
  doubt(kind: FrameKind): void {
    const known = this.#known.get(this.#link.subjects.consumer(kind));
    if (known) known.isSure = false;
  }

  /** How many frames wait, with one that is being sent. Never rejects. */
  async waiting(kind: FrameKind): Promise<number> {
    const info = await this.#lookUp(kind).catch(() => undefined);
    if (!info) this.doubt(kind);
    return (info?.num_pending ?? 0) + 1;
  }

  /** How long a hub that has taken a frame of this kind may report nothing. */
  ackWaitMs(kind: FrameKind): number | undefined {
    return this.#known.get(this.#link.subjects.consumer(kind))?.ackWaitMs;
  }

  async #lookUp(kind: FrameKind): Promise<ConsumerInfo | undefined> {
    const info = await consumerOf(this.#link, kind);
    const name = this.#link.subjects.consumer(kind);
    if (info) this.#known.set(name, { ackWaitMs: ackWaitOf(info), isSure: true });
    return info;
  }
}
