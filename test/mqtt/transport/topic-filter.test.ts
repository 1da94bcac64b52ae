import assert from 'node:assert/strict';
import { matchesFilter } from '../../../src/mqtt/transport/topic-filter';

describe('matchesFilter', () => {
  for (const [filter, topic, expected] of [
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/d', false],
    ['a/+/c', 'a/b', false],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/+/#', 'a', false],
    ['#', 'a/b', true],
    ['a/b', 'a/b', true],
    ['a', 'ab', false],
  ] as const) {
    it(`${filter} ${expected ? 'fits' : 'does not fit'} ${topic}`, () => {
      assert.equal(matchesFilter(filter, topic), expected);
    });
  }
});
