import assert from 'node:assert/strict';
import { BuildClock } from '../../../src/convert/bundle/build-progress';

describe('BuildClock', () => {
  let now: number;
  const clock = (): BuildClock => new BuildClock({ stages: 4, others: 2 }, () => now);
  beforeEach(() => {
    now = 0;
  });

  it('counts stages and all parts, without an estimate before the first stage', () => {
    const parts = clock();
    now = 1000;
    assert.deepEqual(parts.finished('host', 'others', true), {
      part: 'host',
      done: 1,
      total: 6,
      stages: { done: 0, total: 4 },
    });
  });

  it('estimates the remaining time separately for stages and other parts', () => {
    const parts = clock();
    now = 1000;
    parts.finished('host', 'others', true);
    now = 9000;
    const { stages, secondsLeft } = parts.finished('l0_attn', 'stages', true);
    assert.deepEqual(stages, { done: 1, total: 4 });
    assert.equal(secondsLeft, 3 * 8 + 1);
  });

  it('ignores parts from an earlier run and steps that are not parts', () => {
    const parts = clock();
    parts.finished('l0_attn', 'stages', false);
    now = 60_000;
    assert.equal(parts.during('frame 1 of 9').done, 1);
    now = 62_000;
    assert.equal(parts.finished('l0_mlp', 'stages', true).secondsLeft, 2 * 2);
  });

  it('goes back when stages are made again', () => {
    const parts = clock();
    for (const name of ['a', 'b', 'c', 'd']) parts.finished(name, 'stages', true);
    parts.undone(['c', 'd']);
    assert.equal(parts.finished('c', 'stages', true).stages.done, 3);
  });
});
