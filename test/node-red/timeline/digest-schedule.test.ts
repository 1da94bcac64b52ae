import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { DigestSchedule, type ScheduleClock } from '../../../src/node-red/timeline/digest-schedule';

/** A clock that a test moves. */
class TestClock implements ScheduleClock {
  #timer: { readonly atMs: number; readonly callback: () => void } | undefined;

  constructor(public nowMs: number) {}

  now(): number {
    return this.nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    this.#timer = { atMs: this.nowMs + ms, callback };
    return () => {
      this.#timer = undefined;
    };
  }

  passUntil(ms: number): void {
    for (let timer = this.#timer; timer && timer.atMs <= ms; timer = this.#timer) {
      this.#timer = undefined;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      timer.callback();
    }
    this.nowMs = ms;
  }
}

const at = (day: number, hour = 0): number => new Date(2026, 10, day, hour).getTime();

describe('DigestSchedule', () => {
  function run(choice: 'none' | 'daily' | 'weekly' | 'both', from: number) {
    const clock = new TestClock(from);
    const due: string[] = [];
    const schedule = new DigestSchedule(
      choice,
      20 * 60,
      (kind, ms) => due.push(`${kind} ${new Date(ms).getDate()}`),
      clock,
    );
    return { clock, due, schedule };
  }

  it('is due each day at its time', () => {
    const { clock, due } = run('daily', at(24, 21));
    clock.passUntil(at(27, 19));
    assert.deepEqual(due, ['daily 25', 'daily 26']);
  });

  it('is due for the week on Mondays', () => {
    const { clock, due } = run('both', at(29, 1));
    clock.passUntil(at(31, 1));
    assert.deepEqual(due, ['daily 29', 'daily 30', 'weekly 30']);
    const none = run('none', at(29));
    none.clock.passUntil(at(31));
    assert.deepEqual(none.due, []);
  });

  it('follows a clock that is set forward or back, with one digest', () => {
    const { clock, due } = run('daily', at(20, 10));
    clock.nowMs = at(26, 21);
    clock.passUntil(at(27, 1));
    assert.deepEqual(due, ['daily 20']);
    clock.nowMs = at(10, 1);
    clock.passUntil(at(10, 1));
    clock.passUntil(at(11, 1));
    assert.equal(due.length, 1, 'no timer is due before the next look');
  });

  it('is never due once it is closed', () => {
    const { clock, due, schedule } = run('daily', at(20));
    schedule.close();
    clock.passUntil(at(25));
    assert.deepEqual(due, []);
  });
});
