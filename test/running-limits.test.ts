import assert from 'node:assert/strict';
import { Runnable } from 'mocha';
import { limitRunningTime } from './running-limits';
import { ManualClock } from './system/manual-clock';

describe('the time limit of a test', () => {
  let clock: ManualClock;
  let end: () => void;
  let isEnded: boolean;
  let result: Promise<unknown>;

  beforeEach(() => {
    clock = new ManualClock();
    class Limited extends Runnable {}
    limitRunningTime(Limited.prototype as never, clock);
    const work = new Promise<void>((resolve) => {
      end = resolve;
    });
    const test = new Limited('a test', () => work);
    test.timeout(60_000);
    isEnded = false;
    result = new Promise((resolve) => void test.run(resolve as never)).finally(() => {
      isEnded = true;
    });
  });

  it('is kept while the process runs', async () => {
    clock.advance(59_999);
    await new Promise(setImmediate);
    assert.equal(isEnded, false);
    clock.advance(1);
    assert.match(String(await result), /Timeout of 60000ms exceeded/);
  });

  it('does not count the time in which the process was stopped', async () => {
    clock.stop(100_000);
    end();
    assert.equal(await result, undefined);
    assert.equal(clock.timers, 0);
  });
});
