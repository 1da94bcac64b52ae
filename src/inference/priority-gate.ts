import { setImmediate as eventLoopTurn } from 'node:timers/promises';

/** A request at work, held back at its safe points while requests of higher priority are at work. */
export interface GateTicket {
  /**
   * A safe point: requests that have arrived meanwhile are received, and those of higher priority are waited for.
   * @param around runs the wait, e.g. without a mutex that the request holds
   * @returns whether it waited @throws the signal's reason when aborted
   */
  pass(signal: AbortSignal, around?: (wait: () => Promise<void>) => Promise<void>): Promise<boolean>;
  /** Does not hold others back while it waits for something that another request may have to finish. */
  aside<T>(wait: () => Promise<T>): Promise<T>;
  /** The request has ended. */
  leave(): void;
}

interface Waiting {
  readonly priority: number;
  readonly go: () => void;
}

/**
 * Lets urgent requests go first: while one is at work, those of lower priority stop between two tiles, pieces of the
 * prompt or tokens. They keep what they have computed, and go on from there.
 */
export class PriorityGate {
  readonly #atWork = new Set<{ readonly priority: number }>();
  readonly #waiting = new Set<Waiting>();

  enter(priority: number): GateTicket {
    const entry = { priority };
    let left = false;
    const step = (): void => {
      this.#atWork.delete(entry);
      this.#wake();
    };
    this.#atWork.add(entry);
    return {
      pass: async (signal, around = (wait) => wait()) => {
        // The native calls of a tile block the thread: what was sent during one is received in one of the next two iterations.
        await eventLoopTurn();
        await eventLoopTurn();
        signal.throwIfAborted();
        let waited = false;
        while (this.#isHeld(priority)) {
          waited = true;
          await around(() => this.#cleared(priority, signal));
        }
        return waited;
      },
      aside: async (wait) => {
        step();
        try {
          return await wait();
        } finally {
          if (!left) this.#atWork.add(entry);
        }
      },
      leave: () => {
        left = true;
        step();
      },
    };
  }

  #isHeld(priority: number): boolean {
    for (const other of this.#atWork) if (other.priority > priority) return true;
    return false;
  }

  #cleared(priority: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        priority,
        go: () => {
          signal.removeEventListener('abort', giveUp);
          this.#waiting.delete(entry);
          resolve();
        },
      };
      const giveUp = (): void => {
        this.#waiting.delete(entry);
        reject(signal.reason);
      };
      if (signal.aborted || !this.#isHeld(priority)) {
        if (signal.aborted) reject(signal.reason);
        else resolve();
        return;
      }
      this.#waiting.add(entry);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #wake(): void {
    for (const waiting of this.#waiting) if (!this.#isHeld(waiting.priority)) waiting.go();
  }
}
