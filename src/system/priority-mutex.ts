interface Waiting {
  readonly priority: number;
  readonly start: () => void;
}

/** Runs functions one at a time: higher priority first, then in the order of the calls. */
export class PriorityMutex {
  readonly #waiting: Waiting[] = [];
  #busy = false;

  async enter<T>(run: () => Promise<T>, priority = 0): Promise<T> {
    if (this.#busy) await new Promise<void>((start) => this.#wait({ priority, start }));
    this.#busy = true;
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      // It stays busy for the next one, so that no other call enters in between.
      if (next) next.start();
      else this.#busy = false;
    }
  }

  #wait(entry: Waiting): void {
    const after = this.#waiting.findIndex(({ priority }) => priority < entry.priority);
    this.#waiting.splice(after < 0 ? this.#waiting.length : after, 0, entry);
  }
}
