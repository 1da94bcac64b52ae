interface Waiting {
  readonly exclusive: boolean;
  readonly start: () => void;
}

/**
 * Vision stages may share the NPU; the vendor's language model needs it alone: both at once have hung boards
 * (rknn-llm#315). First come, first served, so that neither waits forever.
 */
export class NpuReadWriteLock {
  readonly #waiting: Waiting[] = [];
  #shared = 0;
  #exclusive = false;

  /** For vision: together with other vision. */
  shared<T>(work: () => Promise<T>): Promise<T> {
    return this.#enter(false, work);
  }

  /** For the language model: alone. */
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

/** The lock of this process, which is the only one that uses the NPU: see `SharedNpuLock`. */
export const npuReadWriteLock = new NpuReadWriteLock();
