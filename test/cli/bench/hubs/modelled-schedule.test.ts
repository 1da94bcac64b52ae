import assert from 'node:assert/strict';
import {
  modelledName,
  modelledSchedule,
  npuSchedule,
} from '../../../../src/cli/bench/hubs/modelled-schedule';

describe('the schedule of a modelled hub', () => {
  it('is named by its model', () => {
    for (const schedule of [npuSchedule, { kind: 'fixed', captionMs: 1000 } as const]) {
      assert.deepEqual(modelledSchedule(modelledName(schedule)), schedule);
    }
  });
});
