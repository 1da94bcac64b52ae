import { type Clock, systemClock } from '../../src/system/clock';

/** This process's own clock, which also advances when a test says so; real time goes on beside it. */
export class ShiftedClock {
  readonly #real: Clock = { ...systemClock };
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
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

  advance(ms: number): void {
    this.#shiftMs += ms;
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.#now());
    for (const { fire } of due.sort((a, b) => a.atMs - b.atMs)) fire();
  }

  restore(): void {
    Object.assign(systemClock, this.#real);
  }
}
