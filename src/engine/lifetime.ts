import type { Clock } from '../system/clock';

/** Shortest idle time before the first use: the client that started the engine needs a moment to connect. */
export const firstUseMs = 10_000;

/** Counts open clients and unanswered requests; calls back once there have been none for a while. */
export class Lifetime {
  readonly #clock: Clock;
  readonly #idleMs: number | undefined;
  readonly #onIdle: () => void;
  #leases = 0;
  #requests = 0;
  #cancelExit: (() => void) | undefined;
  #closed = false;
  #used = false;
  #begun = false;

  /** @param idleMs when absent, it never calls back */
  constructor(clock: Clock, idleMs: number | undefined, onIdle: () => void = () => {}) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
  }

  /** Starts to count idle time: clients can reach the engine from now on. */
  begin(): void {
    this.#begun = true;
    this.#settle();
  }

  get leases(): number {
    return this.#leases;
  }

  /** Keeps the engine running. @returns a function that ends the lease; may be called twice */
  lease(): () => void {
    let held = true;
    this.#leases += 1;
    this.#settle();
    return () => {
      if (!held) return;
      held = false;
      this.#leases -= 1;
      this.#settle();
    };
  }

  busy(requests: number): void {
    this.#requests = requests;
    this.#settle();
  }

  close(): void {
    this.#closed = true;
    this.#settle();
  }

  #settle(): void {
    this.#cancelExit?.();
    this.#cancelExit = undefined;
    const inUse = this.#leases + this.#requests > 0;
    this.#used ||= inUse;
    if (!this.#begun || this.#closed || this.#idleMs === undefined || inUse) return;
    const idleMs = this.#used ? this.#idleMs : Math.max(this.#idleMs, firstUseMs);
    this.#cancelExit = this.#clock.after(idleMs, this.#onIdle);
  }
}
