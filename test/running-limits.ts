import { Runnable } from 'mocha';
import { afterRunning, type Clock } from '../src/system/clock';

// A test's time limit counts only the time in which its process runs. Mocha's own would fail a test on a machine that was
// suspended, or whose processes were stopped, although the test has had seconds.

/** What mocha's limits are made of; its types leave most of it out. */
interface LimitedRunnable {
  timer?: unknown;
  timedOut?: boolean;
  timeout(): number;
  clearTimeout(): void;
  resetTimeout(): void;
  run(done: (error?: unknown) => void): void;
  callback(error: unknown): void;
  _timeoutError(ms: number): Error;
}

/** Those whose limit is over. */
const late = new WeakSet<LimitedRunnable>();

/** @param prototype that of mocha's `Runnable`, or of a class made of it */
export function limitRunningTime(prototype: LimitedRunnable, clock: Clock): void {
  const limits = new WeakMap<LimitedRunnable, () => void>();
  const run = prototype.run;

  prototype.clearTimeout = function () {
    limits.get(this)?.();
    limits.delete(this);
  };
  prototype.resetTimeout = function () {
    this.clearTimeout();
    const ms = this.timeout();
    if (ms === 0) return;
    // Mocha sets another limit, while a test runs, only if there is a timer.
    this.timer = true;
    const cancel = afterRunning(clock, ms, () => {
      if (this.timeout() === 0) return;
      late.add(this);
      this.callback(this._timeoutError(ms));
      this.timedOut = true;
    });
    limits.set(this, cancel);
  };
  prototype.run = function (done) {
    late.delete(this);
    run.call(this, (error) => {
      // Mocha also compares the time on the wall when a test has passed.
      const isByWall =
        (error as { code?: string } | undefined)?.code === 'ERR_MOCHA_TIMEOUT' && !late.has(this);
      done(isByWall ? undefined : error);
    });
  };
}

/** Real time, also where a test replaces the timers. */
const { setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);
const wallClock: Clock = {
  now,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

limitRunningTime(Runnable.prototype as unknown as LimitedRunnable, wallClock);
