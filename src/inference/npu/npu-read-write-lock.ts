interface Waiting {
  readonly exclusive: boolean;
  readonly start: () => void;
}

/**
 * Vision stages may share the NPU; the vendor's language model needs it alone: both at once have hung boards
 * (rknn-llm#315). First come, first served, so that neither starves.
 */
export class NpuReadWriteLock {
  readonly #waiting: Waiting[] = [];
  #shared = 0;
  #exclusive = false;

  /** Vision: beside other vision. */
  shared<T>(work: () => Promise<T>): Promise<T> {
    return this.#enter(false, work);
  }

  /** The language model: alone. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#enter(true, work);
  }

  async #enter<T>(exclusive: boolean, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.#waiting.push({ exclusive, start });
      this.#admit();
    });
    try {
      return await work();
    } finally {
      if (exclusive) this.#exclusive = false;
      else this.#shared--;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#exclusive || (next.exclusive && this.#shared > 0)) return;
      this.#waiting.shift();
      if (next.exclusive) this.#exclusive = true;
      else this.#shared++;
      next.start();
    }
  }
}

/** Of this process, which is the only one with the NPU: see the NPU's lock. */
export const npuReadWriteLock = new NpuReadWriteLock();
