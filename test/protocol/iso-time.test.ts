import assert from 'node:assert/strict';
import { isIsoTime } from '../../src/protocol/iso-time';

describe('isIsoTime', () => {
  it('accepts times as programs write them', () => {
    for (const text of [
      '2026-01-02T03:04:05Z',
      '2026-01-02T03:04:05.123456+01:00',
      '2026-01-02 03:04:05',
      '2026-01-02T03:04',
      '2026-01-02T03:04:05+0100',
      '2024-02-29T00:00:00Z',
      new Date(8.64e15).toISOString(),
      new Date(-8.64e15).toISOString(),
    ]) {
      assert.ok(isIsoTime(text), text);
    }
  });

  it('refuses words, days alone, and times that do not exist', () => {
    for (const text of [
      ...['yesterday', '', '1764342000', '2026-01-02', '03:04:05', 'Sat, 28 Nov 2026 17:44:39 GMT'],
      ...['2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-02T24:30:00Z', '2026-01-02T03:04:05Z '],
    ]) {
      assert.ok(!isIsoTime(text), text);
    }
  });
});
