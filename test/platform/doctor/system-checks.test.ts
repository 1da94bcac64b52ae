import assert from 'node:assert/strict';
import { recordedMachine } from '../recorded-machine';
import { judged } from './judged';

describe('doctor: chip and system', () => {
  it('a C library older than the packages’ is refused', () => {
    const libc = (version: string) => judged('libc', 'x86', { libc: { kind: 'glibc', version } }).state;
    assert.deepEqual([libc('2.27'), libc('2.28'), libc('2.41')], ['bad', 'ok', 'ok']);
  });

  it('a Node.js older than the package’s is refused', () => {
    const facts = recordedMachine('x86').process;
    assert.equal(judged('node', 'x86', { process: { ...facts, nodeVersion: '18.20.4' } }).state, 'bad');
  });

  it('an NPU of another family is named, not missed', () => {
    const soc = { id: 'rk3566', source: 'device-tree' as const };
    const { state, value } = judged('soc', 'x86', { soc, npu: 'other-chip' });
    assert.deepEqual([state, value], ['info', 'rk3566, with an NPU that no bundle can be made for']);
  });
});
