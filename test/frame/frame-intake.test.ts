import assert from 'node:assert/strict';
import { FrameGate } from '../../src/frame/frame-gate';
import { FrameIntake, type FrameVerdict } from '../../src/frame/frame-intake';
import type { FrameOptions, PreparedFrame } from '../../src/picture/prepared-frame';

const about = { width: 1, height: 1, differenceHash: 'ff', brightness: 0 };

describe('FrameIntake', () => {
  /** As the image process: without a picture if the frame is unchanged. */
  async function prepare(_bytes: Uint8Array, { unless }: FrameOptions): Promise<PreparedFrame> {
    await Promise.resolve();
    return unless ? about : { ...about, jpeg: new Uint8Array(1) };
  }

  it('judges a frame by one time: a refresh that falls due meanwhile is neither an error nor lost', async () => {
    const verdicts: FrameVerdict[] = [];
    let now = 0;
    const intake = new FrameIntake<undefined>({
      gate: new FrameGate({ unchangedBits: 4, refreshMs: 100 }),
      prepare,
      options: {},
      zones: [],
      onVerdicts: (_picture, [verdict]) => void verdicts.push(verdict!),
      // The clock moves each time it is read.
      now: () => (now += 7),
    });
    for (let frame = 0; frame < 60; frame++) {
      intake.offer({ camera: 'porch', bytes: Uint8Array.of(frame), tag: undefined });
      while (verdicts.length === frame) await new Promise(setImmediate);
    }
    const passed = verdicts.filter((verdict) => 'frame' in verdict).length;
    assert.equal(verdicts.filter((verdict) => 'error' in verdict).length, 0);
    assert.ok(passed >= (60 * 7) / 110 && passed <= (60 * 14) / 100, `${passed} passed`);
  });

  it('gives a newer picture to those who wait for an older one that is not prepared yet', async () => {
    const tags: (readonly string[])[] = [];
    const intake = new FrameIntake<readonly string[]>({
      ...{ gate: new FrameGate({}), prepare, options: {}, zones: [] },
      join: (older, newer) => (older.length > 0 ? [...older, ...newer] : undefined),
      onVerdicts: ({ tag }, [verdict]) =>
        void tags.push(verdict && 'held' in verdict ? [...tag, verdict.held.reason] : tag),
    });
    for (const tag of [['a'], [], ['b'], ['c']]) {
      intake.offer({ camera: 'porch', bytes: Uint8Array.of(0), tag });
    }
    while (tags.length < 3) await new Promise(setImmediate);
    assert.deepEqual(tags, [['superseded'], ['a'], ['b', 'c']]);
  });
});
