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

  it('leaves no hour out and has none twice where clocks change at its time', () => {
    const zone = process.env.TZ;
    process.env.TZ = 'Europe/Berlin';
    try {
      for (const [month, day] of [
        [2, 27],
        [9, 23],
      ] as const) {
        const clock = new TestClock(new Date(2026, month, day, 12).getTime());
        const due: { readonly from: number; readonly to: number }[] = [];
        new DigestSchedule('daily', 150, (_kind, to, from) => due.push({ from, to }), clock);
        clock.passUntil(new Date(2026, month, day + 4, 12).getTime());
        assert.equal(due.length, 4);
        for (const [index, { from }] of due.entries()) {
          if (index > 0) assert.equal(from, due[index - 1]?.to, new Date(from).toString());
        }
      }
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it('is never due once it is closed', () => {
    const { clock, due, schedule } = run('daily', at(20));
    schedule.close();
    clock.passUntil(at(25));
    assert.deepEqual(due, []);
  });
});
