import assert from 'node:assert/strict';
import { ProgressPace } from '../../src/inference/progress-pace';
import type { Progress } from '../../src/protocol/events';

/** The steps of `steps` that a reader is told of; one comes every `intervalMs`. */
function told(steps: readonly Progress[], intervalMs: number): readonly Progress[] {
  let nowMs = 0;
  const pace = new ProgressPace(() => nowMs);
  return steps.filter((step) => {
    nowMs += intervalMs;
    return pace.tells(step);
  });
}

function vision(count: number): Progress[] {
  return Array.from({ length: count }, (_, index) => ({ phase: 'vision', done: index + 1, total: count }));
}

describe('progress pace', () => {
  it('tells of the first step, and of one every 100 ms', () => {
    assert.deepEqual(
      told(vision(312), 4).map(({ done }) => done),
      [1, 26, 51, 76, 101, 126, 151, 176, 201, 226, 251, 276, 301],
    );
  });

  it('tells of every step that takes 100 ms', () => {
    assert.equal(told(vision(24), 100).length, 24);
  });

  it('tells of no phase that is over within 100 ms of the last step told', () => {
    const phases = (['vision', 'prefill', 'decode'] as const).map((phase) => ({
      ...{ phase, done: 9, total: 9 },
    }));
    assert.deepEqual(told(phases, 60), [phases[0], phases[2]]);
  });

  it('tells of the same warning once, also when steps without it come between', () => {
    const warning = { code: 'npu-slow', message: 'stage l3_mlp has been on the NPU for 5 s' };
    const steps = vision(24).map((step) => (step.done % 2 === 0 ? { ...step, warning } : step));
    assert.deepEqual(
      told(steps, 60).map(({ done }) => done),
      [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24],
    );
  });

  it('tells of a new warning at once, but not again with each step that carries it', () => {
    const warning = { code: 'npu-slow', message: 'stage l3_mlp has been on the NPU for 5 s' };
    const [first, second, third, ...others] = vision(24);
    const steps = [
      first,
      second,
      third && { ...third, warning },
      ...others.map((step) => ({ ...step, warning })),
    ];
    assert.deepEqual(
      told(steps as Progress[], 1).map(({ done }) => done),
      [1, 3],
    );
  });
});
