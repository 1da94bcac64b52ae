import assert from 'node:assert/strict';
import { CoreLoad } from '../../src/engine/core-load';
import type { CaptionResult } from '../../src/protocol/events';
import { ManualClock } from '../system/manual-clock';

/** A frame on which the cores worked for these shares of its vision time. */
function frame(visionMs: number, coreBusy?: readonly number[]): CaptionResult {
  return {
    text: '',
    tokenIds: [],
    promptTokens: 1,
    tiles: 1,
    finishReason: 'stop',
    timingsMs: { image: 0, vision: visionMs, prefill: 0, decode: 0, total: visionMs },
    vision: { stagesMs: {}, ...(coreBusy && { coreBusy }) },
    queuedMs: 0,
    model: 'm',
    backend: 'b',
    cached: false,
    frameHash: '',
    prompt: '',
  };
}

describe('core load', () => {
  let clock: ManualClock;
  let load: CoreLoad;
  beforeEach(() => {
    clock = new ManualClock();
    load = new CoreLoad(clock);
  });

  it('names no cores where only the CPU has worked', () => {
    load.add(frame(1000));
    assert.deepEqual(load.shares(), []);
  });

  it('is the share of the last minute that each core worked', () => {
    clock.advance(120_000);
    load.add(frame(30_000, [1, 0.5, 0]));
    load.add(frame(6_000, [0, 0, 1]));
    assert.deepEqual(load.shares(), [0.5, 0.25, 0.1]);
  });

  it('is the share of its life for a younger engine', () => {
    clock.advance(10_000);
    load.add(frame(5_000, [1]));
    assert.deepEqual(load.shares(), [0.5]);
  });

  it('drops frames after a minute, but keeps the number of cores', () => {
    load.add(frame(5_000, [1, 1]));
    clock.advance(60_000);
    assert.deepEqual(load.shares(), [0, 0]);
  });

  it('is never more than 1, however long the frame took', () => {
    load.add(frame(500_000, [1]));
    assert.deepEqual(load.shares(), [1]);
  });
});
