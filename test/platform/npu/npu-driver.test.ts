import assert from 'node:assert/strict';
import { npuDriver, versionAtLeast } from '../../../src/platform/npu/npu-driver';
import { useTempFolder } from '../../temp-folder';
import { recordedTree } from '../recording/recorded-tree';

describe('NPU driver', () => {
  const temp = useTempFolder();

  function driverOf(files: Record<string, string>) {
    return npuDriver(recordedTree(temp(), { files }));
  }

  it('shows its version in each of four places', () => {
    const places: [string, string][] = [
      ['/sys/module/rknpu/version', '0.9.8\n'],
      ['/proc/rknpu/version', 'RKNPU driver: v0.9.8\n'],
      ['/sys/kernel/debug/rknpu/version', 'RKNPU driver: v0.9.8\n'],
      [
        '/dev/kmsg',
        '6,9,1,-;usb\n6,10,2,-;[drm] Initialized rknpu 0.9.8 20240828 for fdab0000.npu on minor 1\n',
      ],
    ];
    for (const [path, text] of places) {
      const expected = {
        kind: 'vendor',
        version: '0.9.8',
        places: [{ path, version: '0.9.8' }],
        hardware: false,
      };
      assert.deepEqual(driverOf({ [path]: text }), expected);
    }
    assert.equal(driverOf(Object.fromEntries(places)).places.length, 4);
  });

  it('is recognised as the vendor’s without a readable version', () => {
    const { kind, version } = driverOf({ '/sys/class/drm/renderD129/device/uevent': 'DRIVER=RKNPU\n' });
    assert.deepEqual([kind, version], ['vendor', undefined]);
    assert.equal(driverOf({ '/sys/bus/platform/drivers/RKNPU/bind': '' }).kind, 'vendor');
  });

  it('is distinguished from the mainline driver, and from no driver', () => {
    assert.equal(driverOf({ '/sys/class/accel/accel0/device/uevent': 'DRIVER=rocket\n' }).kind, 'rocket');
    assert.equal(driverOf({ '/sys/module/rocket/refcnt': '0' }).kind, 'rocket');
    const none = { kind: 'none', places: [], hardware: true };
    assert.deepEqual(driverOf({ '/sys/bus/platform/devices/fdab0000.npu/uevent': '' }), none);
    assert.equal(driverOf({ '/sys/class/drm/renderD128/device/uevent': 'DRIVER=i915\n' }).kind, 'none');
  });

  it('has a version that is compared part by part', () => {
    assert.ok(versionAtLeast('0.9.10', '0.9.8'));
    assert.ok(versionAtLeast('1.0.0', '0.9.8'));
    assert.ok(versionAtLeast('0.9.8', '0.9.8'));
    assert.ok(!versionAtLeast('0.9.7', '0.9.8'));
    assert.ok(!versionAtLeast('2.3', '2.3.2'));
  });
});
