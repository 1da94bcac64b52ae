import assert from 'node:assert/strict';
import { pictureTime } from '../../src/picture/camera/picture-time';

const now = Date.parse('2026-11-27T12:00:00.500Z');

function age(headers: Readonly<Record<string, string>>): number | undefined {
  const lists = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const time = pictureTime(lists, now);
  return time === undefined ? undefined : now - time;
}

describe('pictureTime', () => {
  const date = 'Fri, 27 Nov 2026 12:00:00 GMT';

  it('counts the age by the camera’s own clock, even one that is wrong', () => {
    assert.equal(age({ date, 'last-modified': 'Fri, 27 Nov 2026 11:59:00 GMT' }), 59_000);
    const inLocalTime = {
      date: 'Fri, 27 Nov 2026 18:00:00 GMT',
      'last-modified': 'Fri, 27 Nov 2026 17:59:00 GMT',
    };
    assert.equal(age(inLocalTime), 59_000);
    const since2000 = {
      date: 'Sat, 01 Jan 2000 00:10:00 GMT',
      'last-modified': 'Sat, 01 Jan 2000 00:00:00 GMT',
    };
    assert.equal(age(since2000), 599_000);
  });

  it('takes a picture for new that is a second old: the headers have whole seconds', () => {
    assert.equal(age({ date, 'last-modified': date }), 0);
    assert.equal(age({ date, 'last-modified': 'Fri, 27 Nov 2026 11:59:59 GMT' }), 0);
  });

  it('believes a time without the camera’s date within the past day only', () => {
    assert.equal(age({ 'last-modified': 'Fri, 27 Nov 2026 11:00:00 GMT' }), 3_600_500);
    assert.equal(age({ 'last-modified': 'Fri, 27 Nov 2026 13:00:00 GMT' }), undefined);
    assert.equal(age({ 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT' }), undefined);
  });

  it('says nothing without a time, with one that is not a time, and with one ahead of the camera’s date', () => {
    assert.equal(age({ date }), undefined);
    assert.equal(age({ date, 'last-modified': 'yesterday' }), undefined);
    assert.equal(age({ date, 'last-modified': 'Fri, 27 Nov 2026 12:30:00 GMT' }), undefined);
  });
});
