const mostReturned = 1000;

/**
 * Ids of frames that a hub returned to the queue, oldest first. The delivery count is not enough: nats-server 2.9 lowers
 * it again when a delivery meets a pull that has just expired.
 */
export class ReturnedFrames {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    const [oldest = ''] = this.#ids;
    if (this.#ids.size > mostReturned) this.#ids.delete(oldest);
  }

  /** Forgets a frame. @returns whether it was returned */
  take(id: string): boolean {
    return this.#ids.delete(id);
  }
}
