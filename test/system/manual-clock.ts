import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/system/clock';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that only moves when the test advances it. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: Timer[] = [];

  get timers(): number {
    return this.#timers.length;
  }

  /** Resolves when something waits for this clock, or for one time of it. */
  async waitedFor(atMs?: number): Promise<void> {
    while (!this.#timers.some((timer) => timer.atMs === (atMs ?? timer.atMs))) await delay(1);
  }

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Time passes while the process runs: each timer fires when it is due. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#fire(next);
    }
    this.#nowMs = endMs;
  }

  /** Time passes while the process is stopped: timers that were due meanwhile fire at the end. */
  stop(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    for (const timer of due.sort((a, b) => a.atMs - b.atMs)) this.#fire(timer);
  }

  #next(endMs: number): Timer | undefined {
    return this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  }

  #fire(timer: Timer): void {
    if (!this.#timers.includes(timer)) return;
    this.#timers = this.#timers.filter((other) => other !== timer);
    timer.callback();
  }
}
