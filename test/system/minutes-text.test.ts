import assert from 'node:assert/strict';
import { minutesText } from '../../src/system/minutes-text';

describe('minutesText', () => {
  it('writes seconds as minutes and seconds, rounded up', () => {
    assert.deepEqual([0, 0.2, 59.5, 125, 3600].map(minutesText), ['0:00', '0:01', '1:00', '2:05', '60:00']);
  });
});
