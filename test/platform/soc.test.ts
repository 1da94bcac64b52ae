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
    it(`plans with ${expected} on ${machine}`, () => {
      assert.equal(usableCores(recordedFiles(machine as RecordedMachine), {}), expected);
    });
  }

  it('takes what SMOLVLM_NPU_CORES says, unless that is no number of cores', () => {
    const files = recordedFiles('rk3588-vendor');
    assert.equal(usableCores(files, { SMOLVLM_NPU_CORES: '1' }), 1);
    for (const wrong of ['', '0', 'two', '1.5', '99']) {
      assert.equal(usableCores(files, { SMOLVLM_NPU_CORES: wrong }), 3, wrong);
    }
  });
});
