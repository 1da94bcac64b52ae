import assert from 'node:assert/strict';
import { judged } from './judged';

describe('doctor: speed', () => {
  it('distinguishes a limited clock from an idle one', () => {
    const npu = (limitHz: number, governor: string) =>
      judged('npu-clock', 'rk3588-vendor', {
        clocks: { npu: { currentHz: 3e8, limitHz, topHz: 1e9, governor }, memory: undefined, cpu: [] },
      }).state;
    assert.equal(npu(1e9, 'rknpu_ondemand'), 'ok');
    assert.equal(npu(6e8, 'rknpu_ondemand'), 'warn');
    assert.equal(npu(1e9, 'powersave'), 'warn');
  });

  it('shows cores with the same clock as one', () => {
    const core = { limitHz: 4.2e9, topHz: 4.2e9, governor: 'schedutil' };
    const cpu = [{ ...core, currentHz: 8e8 }, { ...core, currentHz: 3.05e9 }, core, { currentHz: 2e9 }];
    const { value } = judged('cpu-clock', 'x86', { clocks: { npu: undefined, memory: undefined, cpu } });
    assert.equal(value, '3 × 800 MHz to 3.05 GHz of 4.2 GHz (schedutil); 2 GHz');
  });

  it('calls a chip hot from its first passive trip point on', () => {
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
