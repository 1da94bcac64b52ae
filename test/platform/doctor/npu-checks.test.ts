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

  it('warns of versions that are too old, contradictory or not readable', () => {
    assert.equal(version(['/proc/rknpu/version', '0.9.6']).state, 'ok');
    assert.match(version(['/proc/rknpu/version', '0.8.2']).advice ?? '', /Update the kernel/);
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
});
