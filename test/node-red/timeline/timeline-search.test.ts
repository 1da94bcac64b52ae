import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { searchQuery } from '../../../src/node-red/timeline/timeline-search';

const now = new Date(2026, 10, 27, 15).getTime();

describe('searchQuery', () => {
  it('takes a day without a time as its beginning on this machine, and other times as they are', () => {
    assert.deepEqual(searchQuery({ from: '2026-11-26', to: ' 2026-11-27 ' }, [], now), {
      from: new Date(2026, 10, 26).getTime(),
      to: new Date(2026, 10, 27).getTime(),
    });
    assert.deepEqual(searchQuery({ from: '2026-11-26T10:00:00Z', to: 1795784400 }, [], now), {
      from: Date.UTC(2026, 10, 26, 10),
      to: 1795784400000,
    });
  });

  it('refuses what is not a search, naming the field', () => {
    for (const [payload, message] of [
      [5, /expected a string or an object/],
      [{ camera: 1 }, /a string in camera/],
      [{ changed: 'yes' }, /true or false in changed/],
      [{ to: '2026-02-30T' }, /a time such as .* in to/],
      [{ days: Number.NaN }, /msg.payload.days/],
      [{ limit: 1001 }, /msg.payload.limit/],
      [{ before: -1 }, /msg.payload.before/],
    ] as const) {
      assert.throws(() => searchQuery(payload, [], now), { message });
    }
  });
});
