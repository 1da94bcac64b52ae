import assert from 'node:assert/strict';
import { afterRunning, RunningTime } from '../../src/system/clock';
import { ManualClock } from './manual-clock';

describe('afterRunning', () => {
  let clock: ManualClock;
  let ends: number;
  beforeEach(() => {
    clock = new ManualClock();
    ends = 0;
  });
  const end = (): void => {
    ends += 1;
  };

  it('calls back once, when its time is over', () => {
    afterRunning(clock, 2_500, end);
    clock.advance(2_499);
    assert.equal(ends, 0);
    clock.advance(1);
    assert.equal(ends, 1);
    clock.advance(10_000);
    assert.deepEqual([ends, clock.timers], [1, 0]);
  });

  it('is a timer of the same length where it is short', () => {
    afterRunning(clock, 50, end);
    clock.advance(49);
    assert.equal(ends, 0);
    clock.advance(1);
    assert.equal(ends, 1);
  });

  for (const beforeMs of [0, 500, 29_500]) {
    it(`does not count the time in which the process was stopped, ${beforeMs} ms after it began`, () => {
      afterRunning(clock, 30_000, end);
      clock.advance(beforeMs);
      clock.stop(100_000);
      clock.stop(86_400_000);
      assert.equal(ends, 0);
      clock.advance(Math.max(0, 29_000 - beforeMs));
      assert.equal(ends, 0);
      clock.advance(2_000);
      assert.equal(ends, 1);
    });
  }

  it('can be cancelled in every step', () => {
    for (const beforeMs of [0, 1_000, 2_400]) {
      const cancel = afterRunning(clock, 2_500, end);
      clock.advance(beforeMs);
      cancel();
      clock.advance(10_000);
    }
    assert.deepEqual([ends, clock.timers], [0, 0]);
  });
});

describe('RunningTime', () => {
  it('counts the time between questions, and a second at most for a stop between two', () => {
    const clock = new ManualClock();
    const running = new RunningTime(clock);
    for (let count = 0; count < 10; count++) {
      clock.advance(50);
      running.ms();
    }
    assert.equal(running.ms(), 500);
    clock.stop(100_000);
    assert.equal(running.ms(), 1_500);
    clock.advance(50);
    assert.equal(running.ms(), 1_550);
  });
});
