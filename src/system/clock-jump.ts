/** A clock that is set forward by more than this is not trusted at once. */
const jumpMs = 86_400_000;
/** How long it must then run on. */
const probationMs = 3_600_000;

/**
 * Whether the machine's clock can be used to delete old entries: not within an hour after it was set forward by more
 * than a day, so that a wrong date which is soon corrected deletes nothing.
 */
export class ClockJump {
  readonly #wall: () => number;
  readonly #steady: () => number;
  #offset: number;
  #distrustedUntil = Number.NEGATIVE_INFINITY;

  constructor(wall: () => number = Date.now, steady: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#steady = steady;
    this.#offset = wall() - steady();
  }

  isTrusted(): boolean {
    const steady = this.#steady();
    const offset = this.#wall() - steady;
    if (offset - this.#offset > jumpMs) this.#distrustedUntil = steady + probationMs;
    else if (this.#offset - offset > jumpMs) this.#distrustedUntil = Number.NEGATIVE_INFINITY;
    this.#offset = offset;
    return steady >= this.#distrustedUntil;
  }
}
