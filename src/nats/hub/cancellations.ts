import type { HubFrame } from './hub-frame';

/** A frame is on its way to a hub for less, also a large picture. */
const keepMs = 10_000;
const mostKept = 1000;

/**
 * Cancels frames of a hub, also those whose cancellation comes before them: a frame is delivered over another subscription
 * than its cancellation, and is read first.
 */
export class Cancellations {
  readonly #frames: ReadonlyMap<string, HubFrame>;
  /** When each frame was cancelled that this hub does not have, oldest first: most are other hubs'. */
  readonly #early = new Map<string, number>();

  readonly #now: () => number;

  /**
   * @param frames that the hub has, by id
   * @param now milliseconds of a steady clock
   */
  constructor(frames: ReadonlyMap<string, HubFrame>, now: () => number = () => performance.now()) {
    this.#frames = frames;
    this.#now = now;
  }

  cancel(id: string): void {
    const frame = this.#frames.get(id);
    if (frame) {
      frame.cancel();
      return;
    }
    this.#early.delete(id);
    this.#early.set(id, this.#now());
    const [oldest = ''] = this.#early.keys();
    if (this.#early.size > mostKept) this.#early.delete(oldest);
  }

  /** The hub has taken a frame. */
  taken(frame: HubFrame): void {
    const atMs = this.#early.get(frame.id);
    if (atMs === undefined) return;
    this.#early.delete(frame.id);
    if (this.#now() - atMs < keepMs) frame.cancel();
  }
}
