import type { Clock } from '../system/clock';

/** An engine that was just started is waited for so long, however short its idle time. */
const firstUseMs = 10_000;

/** Counts open clients and unanswered requests; calls back once there was neither for a while. */
export class Lifetime {
  #leases = 0;
  #requests = 0;
  #cancelExit: (() => void) | undefined;
  #closed = false;
  #used = false;
  #begun = false;

  /** @param idleMs never calls back when absent */
  constructor(
    private readonly clock: Clock,
    private readonly idleMs: number | undefined,
    private readonly onIdle: () => void = () => {},
  ) {}

  /** The engine can be reached from now on: the time without clients begins to count. */
  begin(): void {
    this.#begun = true;
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
    const inUse = this.#leases + this.#requests > 0;
    this.#used ||= inUse;
    if (!this.#begun || this.#closed || this.idleMs === undefined || inUse) return;
    const idleMs = this.#used ? this.idleMs : Math.max(this.idleMs, firstUseMs);
    this.#cancelExit = this.clock.after(idleMs, this.onIdle);
  }
}
