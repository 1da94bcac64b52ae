import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';
import { timeOf } from '../../src/protocol/message-time';

describe('timeOf', () => {
  const at = Date.parse('2026-11-24T01:02:03.500Z');

  it('reads dates, ISO texts, and numbers of seconds or milliseconds', () => {
    for (const value of [
      new Date(at),
      runInNewContext(`new Date(${at})`),
      '2026-11-24T01:02:03.500Z',
      at,
      String(at),
      at / 1000,
      `${at / 1000}`,
    ]) {
      assert.equal(timeOf(value), at);
    }
  });

  it('returns undefined for anything else, and for a time beyond a Date’s range', () => {
    for (const value of [
      undefined,
      null,
      '',
      ' ',
      'yesterday',
      {},
      true,
      Number.NaN,
      1e20,
      -1e300,
      new Date('x'),
    ]) {
      assert.equal(timeOf(value), undefined);
    }
  });
});
