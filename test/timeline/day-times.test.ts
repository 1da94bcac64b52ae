import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dayTimes } from '../../src/timeline/day-times';

describe('dayTimes', () => {
  it('is from midnight to midnight of this machine’s time zone', () => {
    assert.deepEqual(dayTimes('2026-11-27'), {
      from: new Date(2026, 10, 27).getTime(),
      to: new Date(2026, 10, 28).getTime(),
    });
  });

  it('is undefined for a day that does not exist, and for anything else', () => {
    for (const day of ['2026-02-30', '2026-13-01', '27.11.2026', '2026-11-27T08:00', '']) {
      assert.equal(dayTimes(day), undefined, day);
    }
  });
});
