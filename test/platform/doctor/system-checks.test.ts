import assert from 'node:assert/strict';
import { recordedMachine } from '../recorded-machine';
import { judged } from './judged';

describe('doctor: chip and system', () => {
  it('refuses a C library older than the packages need', () => {
    const libc = (version: string) => judged('libc', 'x86', { libc: { kind: 'glibc', version } }).state;
    assert.deepEqual([libc('2.27'), libc('2.28'), libc('2.41')], ['bad', 'ok', 'ok']);
  });

  it('refuses a Node.js older than the package needs', () => {
    const facts = recordedMachine('x86').process;
    assert.equal(judged('node', 'x86', { process: { ...facts, nodeVersion: '18.20.4' } }).state, 'bad');
  });

  it('reports an NPU of another family as not supported', () => {
    const soc = { id: 'rk3566', source: 'device-tree' as const };
    const { state, value } = judged('soc', 'x86', { soc, npu: 'other-chip' });
    assert.deepEqual([state, value], ['info', 'rk3566, with an NPU that is not supported']);
  });
});
