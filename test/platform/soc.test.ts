import assert from 'node:assert/strict';
import { usableCores } from '../../src/platform/soc';
import { type RecordedMachine, recordedFiles } from './recorded-machine';

const cores: Readonly<Partial<Record<RecordedMachine, number>>> = {
  'rk3588-vendor': 3,
  rk3582: 2,
  rk3576: 2,
  x86: 0,
};

describe('usableCores', () => {
  for (const [machine, expected] of Object.entries(cores)) {
    it(`are ${expected} on ${machine}`, () => {
      assert.equal(usableCores(recordedFiles(machine as RecordedMachine)).length, expected);
    });
  }

  it('prefers the given number to the chip’s', () => {
    assert.deepEqual(usableCores(recordedFiles('rk3588-vendor'), 1), [0]);
    assert.deepEqual(usableCores(recordedFiles('rk3588-vendor'), [1, 2]), [1, 2]);
  });
});
