import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { cameraLimits, minutesOfDay, timelineFields } from '../../../src/node-red/timeline/timeline-fields';

describe('the fields of a timeline', () => {
  it('reads limits of cameras', () => {
    assert.deepEqual(cameraLimits(' street: 7 d, 200 MB; front door: 90d;'), {
      street: { days: 7, megabytes: 200 },
      'front door': { days: 90 },
    });
    assert.deepEqual(cameraLimits('constructor: 1 d'), { constructor: { days: 1 } });
    assert.deepEqual(cameraLimits(''), {});
    for (const wrong of ['street', 'street:', 'street: 7', 'a: 1 d; a: 2 d', 'a: 0 d', ': 3 d']) {
      assert.equal(cameraLimits(wrong), undefined, wrong);
    }
  });

  it('holds a camera to the limits of the whole timeline, except the smallest size', () => {
    const { days, megabytes } = timelineFields;
    assert.deepEqual(cameraLimits(`a: ${days.most} d, ${megabytes.most} MB`), {
      a: { days: days.most, megabytes: megabytes.most },
    });
    assert.deepEqual(cameraLimits('a: 1 MB'), { a: { megabytes: 1 } });
    for (const wrong of [`a: ${days.most + 1} d`, `a: ${megabytes.most + 1} MB`, 'a: 0 MB']) {
      assert.equal(cameraLimits(wrong), undefined, wrong);
    }
  });

  it('reads a time of day', () => {
    assert.deepEqual(['8:05', ' 20:00 ', '24:00', '8', '8:60'].map(minutesOfDay), [
      485,
      1200,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
