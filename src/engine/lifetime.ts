import type { Clock } from './clock';

/** Counts open clients and unanswered requests; calls back once there was neither for a while. */
export class Lifetime {
  #leases = 0;
  #requests = 0;
  #cancelExit: (() => void) | undefined;
  #closed = false;

  /** @param idleMs never calls back when absent */
  constructor(
    private readonly clock: Clock,
    private readonly idleMs: number | undefined,
    private readonly onIdle: () => void = () => {},
  ) {
    this.#settle();
  }

  get leases(): number {
    return this.#leases;
  }

  /** Holds the engine alive. @returns how to let go of it; may be called twice */
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
    if (this.#closed || this.idleMs === undefined || this.#leases + this.#requests > 0) return;
    this.#cancelExit = this.clock.after(this.idleMs, this.onIdle);
  }
}
