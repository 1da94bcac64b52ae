interface Waiting {
  readonly priority: number;
  readonly start: () => void;
}

/** What the running function may do with the mutex. */
export interface MutexHold {
  /**
   * Lets others run while it waits, then goes on before others of its priority. When `wait` fails or the signal aborts, the
   * mutex is given up.
   */
  aside<T>(wait: () => Promise<T>): Promise<T>;
}

/** Runs functions one at a time: higher priority first, then in the order of the calls. */
export class PriorityMutex {
  readonly #waiting: Waiting[] = [];
  #busy = false;

  /** @throws the signal's reason when it aborts before `run` is called */
  async enter<T>(run: (hold: MutexHold) => Promise<T>, priority = 0, signal?: AbortSignal): Promise<T> {
    if (this.#busy) await this.#taken({ priority, first: false }, signal);
    this.#busy = true;
    let held = true;
    const aside = async <R>(wait: () => Promise<R>): Promise<R> => {
      held = false;
      this.#release();
      const result = await wait();
      if (this.#busy) await this.#taken({ priority, first: true }, signal);
      this.#busy = true;
      held = true;
      return result;
    };
    try {
      return await run({ aside });
    } finally {
      if (held) this.#release();
    }
  }

  #release(): void {
    const next = this.#waiting.shift();
    // It stays busy for the next one, so that no other call enters in between.
    if (next) next.start();
    else this.#busy = false;
  }

  /** Resolves when the mutex has been handed over. @param first before others of the same priority */
  #taken(
    { priority, first }: { readonly priority: number; readonly first: boolean },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal?.reason);
      };
      const start = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const entry = { priority, start };
      const behind = this.#waiting.findIndex((other) =>
        first ? other.priority <= priority : other.priority < priority,
      );
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, entry);
      signal?.addEventListener('abort', giveUp, { once: true });
      if (signal?.aborted) giveUp();
    });
  }
}
