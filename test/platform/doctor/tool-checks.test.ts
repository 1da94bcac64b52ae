import assert from 'node:assert/strict';
import { recordedMachine } from '../recorded-machine';
import { judged } from './judged';

describe('doctor: tools', () => {
  it('refuses a configured Python of the wrong version, and accepts that none is installed', () => {
    const facts = recordedMachine('x86').process;
    const asked = { ...facts, environment: { SMOLVLM_CONVERT_PYTHON: '/usr/bin/python3.13' } };
    assert.equal(judged('python', 'x86', { process: asked, python: undefined }).state, 'bad');
    assert.equal(judged('python', 'x86', { python: undefined }).state, 'info');
  });
});
