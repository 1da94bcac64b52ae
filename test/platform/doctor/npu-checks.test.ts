import assert from 'node:assert/strict';
import { judged } from './judged';

describe('doctor: NPU driver and its users', () => {
  function version(...places: [path: string, version: string][]) {
    const [first] = places;
    const driver = {
      kind: 'vendor' as const,
      places: places.map(([path, each]) => ({ path, version: each })),
      hardware: true,
      ...(first ? { version: first[1] } : {}),
    };
    return judged('npu-driver-version', 'rk3588-vendor', { driver });
  }

  it('warns of the versions on which runs are reported to fail, and of no others', () => {
    const one = (release: string) => version(['/proc/rknpu/version', release]);
    for (const release of ['0.8.8', '0.9.0', '0.9.5', '0.9.6', '0.9.8']) {
      assert.equal(one(release).state, 'ok', release);
    }
    assert.deepEqual([one('0.9.3').state, one('0.9.2').state, one('0.7.2').state], ['warn', 'warn', 'warn']);
    assert.match(one('0.9.3').advice ?? '', /Update the kernel: .*radxa\/kernel#312/);
    // It works (radxa/kernel#312); librknnrt asks for 0.8.8.
    assert.deepEqual([one('0.8.2').state, /0\.8\.8/.test(one('0.8.2').advice ?? '')], ['info', true]);
  });

  it('warns of versions that are contradictory or not readable', () => {
    const two = version(['/sys/module/rknpu/version', '0.9.8'], ['/dev/kmsg', '0.9.6']);
    assert.equal(two.value, '0.9.8 (/sys/module/rknpu/version), 0.9.6 (/dev/kmsg)');
    assert.match(two.advice ?? '', /reboot/);
    assert.match(version().advice ?? '', /as root/);
  });

  it('distinguishes a kernel without a driver from one with the wrong driver', () => {
    const none = judged('npu-driver', 'rk3588-mainline', {
      driver: { kind: 'none', places: [], hardware: true },
    });
    assert.deepEqual([none.state, none.value], ['bad', 'none in this kernel']);
  });

  it('does not report the engine’s own process as another user', () => {
    const holder = {
      host: 'hub',
      pid: 812,
      started: '1',
      token: 't',
      command: 'node main.js serve',
      since: '2026-03-01T10:00:00.000Z',
    };
    const own = { pid: 812, command: 'node main.js' };
    const other = { pid: 7, command: 'python3 app.py' };
    const one = judged('npu-users', 'rk3588-vendor', { npuUsers: { holder, users: [own], hidden: 0 } });
    assert.equal(one.state, 'info');
    const two = judged('npu-users', 'rk3588-vendor', {
      npuUsers: { holder, users: [own, other], hidden: 0 },
    });
    assert.equal(two.state, 'warn');
    assert.match(two.value, /process 812 .*; process 7 \(python3 app\.py\)$/);
  });

  it('says for each kind of program how to share the NPU with it', () => {
    const beside = (program?: 'frigate' | 'rkllm') =>
      judged('npu-users', 'rk3588-vendor', {
        npuUsers: { users: [{ pid: 7, command: 'x', ...(program && { program }) }], hidden: 0 },
      }).advice ?? '';
    assert.match(beside('frigate'), /num_cores: 1\).*SMOLVLM_NPU_CORES=1-2/);
    assert.match(beside('rkllm'), /rknn-llm#315/);
    for (const program of ['frigate', 'rkllm', undefined] as const)
      assert.match(beside(program), /SMOLVLM_NPU_SHARING/);
  });
});
