import assert from 'node:assert/strict';
import { NewestFrame } from '../../src/frame/newest-frame';

describe('NewestFrame', () => {
  let passed: number[];
  let newest: NewestFrame;
  beforeEach(() => {
    passed = [];
    newest = new NewestFrame(2_000, ({ capturedAt }) => void passed.push(capturedAt));
  });
  const push = (...times: readonly number[]): void => {
    for (const time of times) newest.push(new Uint8Array(), time);
  };

  it('passes on one picture in each interval, also one that is a little early', () => {
    push(10_000, 10_005, 11_000, 11_950, 12_500, 14_000);
    assert.deepEqual(passed, [10_000, 11_950, 14_000]);
  });

  it('begins anew when the clock is set back', () => {
    push(10_000, 5_000, 5_500);
    assert.deepEqual(passed, [10_000, 5_000]);
  });

  it('gives the newest picture on request, and waits for the next if that came too long ago', () => {
    push(10_000, 10_400);
    newest.take(10_800);
    newest.take(11_000);
    assert.deepEqual(passed, [10_000, 10_400]);
    push(11_100);
    assert.deepEqual(passed, [10_000, 10_400, 11_100]);
  });

  it('gives no picture of a connection that ended', () => {
    push(10_000);
    newest.forget();
    newest.take(10_001);
    assert.deepEqual(passed, [10_000]);
  });
});
