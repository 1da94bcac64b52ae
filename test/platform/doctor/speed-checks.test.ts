import assert from 'node:assert/strict';
import { judged } from './judged';

describe('doctor: speed', () => {
  it('a clock held down is told from one that is low because nothing runs', () => {
    const npu = (limitHz: number, governor: string) =>
      judged('npu-clock', 'rk3588-vendor', {
        clocks: { npu: { currentHz: 3e8, limitHz, topHz: 1e9, governor }, memory: undefined, cpu: [] },
      }).state;
    assert.equal(npu(1e9, 'rknpu_ondemand'), 'ok');
    assert.equal(npu(6e8, 'rknpu_ondemand'), 'warn');
    assert.equal(npu(1e9, 'powersave'), 'warn');
  });

  it('a chip is hot from its own trip point on', () => {
    const temperature = (celsius: number, throttlesAtCelsius?: number) =>
      judged('temperature', 'rk3588-vendor', {
        temperature: {
          sensor: 'soc-thermal',
          celsius,
          ...(throttlesAtCelsius === undefined ? {} : { throttlesAtCelsius }),
        },
      }).state;
    assert.deepEqual([temperature(74, 75), temperature(75, 75)], ['ok', 'warn']);
    assert.deepEqual([temperature(84), temperature(85)], ['ok', 'warn']);
  });
});
