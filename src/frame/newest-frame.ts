import type { SourceFrame } from './frame-source';

/** Of a stream's pictures the newest, in a rhythm and when asked; what comes between is left out. */
export class NewestFrame {
  readonly #intervalMs: number;
  readonly #onFrame: (frame: SourceFrame) => void;
  #newest: SourceFrame | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #asked = false;

  constructor(intervalMs: number, onFrame: (frame: SourceFrame) => void) {
    this.#intervalMs = intervalMs;
    this.#onFrame = onFrame;
  }

  push(bytes: Uint8Array, now = Date.now()): void {
    const frame = { bytes, capturedAt: now };
    this.#newest = frame;
    // A little early is in time: streams and clocks do not tick alike.
    if (!this.#asked && now - this.#lastAt < this.#intervalMs * 0.95) return;
    this.#asked = false;
    this.#lastAt = now;
    this.#onFrame(frame);
  }

  /** The newest so far, or the next one when there is none. */
  take(): void {
    if (this.#newest) this.#onFrame(this.#newest);
    else this.#asked = true;
  }

  forget(): void {
    this.#newest = undefined;
  }
}
