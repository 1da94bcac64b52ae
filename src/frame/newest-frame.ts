import type { SourceFrame } from './frame-source';

/** A picture that came longer ago is not one of now: on its way here it has aged as well. */
const freshMs = 500;

/** Passes on a stream's newest picture at an interval and on request; pictures in between are left out. */
export class NewestFrame {
  readonly #intervalMs: number;
  readonly #onFrame: (frame: SourceFrame) => void;
  #newest: SourceFrame | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #wanted = false;

  constructor(intervalMs: number, onFrame: (frame: SourceFrame) => void) {
    this.#intervalMs = intervalMs;
    this.#onFrame = onFrame;
  }

  push(bytes: Uint8Array, now = Date.now()): void {
    const frame = { bytes, capturedAt: now };
    this.#newest = frame;
    // A little early is in time: streams and clocks do not tick alike. A clock that was set back starts anew.
    const elapsedMs = now - this.#lastAt;
    if (!this.#wanted && elapsedMs >= 0 && elapsedMs < this.#intervalMs * 0.95) return;
    this.#wanted = false;
    this.#lastAt = now;
    this.#onFrame(frame);
  }

  /** The newest if it is of now, otherwise the next one. */
  take(now = Date.now()): void {
    const isFresh = this.#newest !== undefined && Math.abs(now - this.#newest.capturedAt) <= freshMs;
    if (this.#newest && isFresh) this.#onFrame(this.#newest);
    else this.#wanted = true;
  }

  forget(): void {
    this.#newest = undefined;
  }
}
