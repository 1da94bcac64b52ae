import { type Clock, systemClock } from '../../../src/system/clock';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** This process's own clock, which also advances when a test says so; real time goes on beside it. */
export class ShiftedClock {
  readonly #real: Clock = { ...systemClock };
  readonly #timers = new Set<Timer>();
  #shiftMs = 0;

  constructor() {
    systemClock.now = () => this.#now();
    systemClock.after = (...timer) => this.#after(...timer);
  }

  #now(): number {
    return this.#real.now() + this.#shiftMs;
  }

  #after(...[ms, callback, options]: Parameters<Clock['after']>): () => void {
    const fire = (): void => {
      cancel();
      callback();
    };
    const timer = { atMs: this.#now() + ms, fire };
    const cancelReal = this.#real.after(ms, fire, options);
    const cancel = (): void => {
      cancelReal();
      this.#timers.delete(timer);
    };
    this.#timers.add(timer);
    return cancel;
  }

  /** Time passes while the process runs: each timer fires when it is due. */
  advance(ms: number): void {
    const endMs = this.#shiftMs + ms;
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#shiftMs = Math.max(this.#shiftMs, next.atMs - this.#real.now());
      next.fire();
    }
    this.#shiftMs = endMs;
  }

  #next(endMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ atMs }) => atMs - this.#real.now() <= endMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }

  restore(): void {
    Object.assign(systemClock, this.#real);
  }
}
