import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { rknnLoadError, rknnRunError } from '../../../src/backends/rknn/rknn-error';
import { type RecordedMachine, recordedFiles } from '../../platform/recorded-machine';
import { recordedTree } from '../../platform/recording/recorded-tree';
import { useTempFolder } from '../../temp-folder';

describe('RKNN errors', () => {
  const temp = useTempFolder();

  /** Advice for rknn_init -1 of a readable file on a recorded machine. */
  function initAdvice(machine: RecordedMachine): string {
    writeFileSync(temp('l0_attn.rknn'), 'RKNN');
    return rknnLoadError('l0_attn', temp('l0_attn.rknn'), -1, '2.3.2', recordedFiles(machine)).hint ?? '';
  }

  it('of rknn_init name a file that is absent, empty or a git-lfs pointer before anything else', () => {
    const machine = recordedFiles('group-render-only');
    assert.match(rknnLoadError('a', temp('none.rknn'), -1, '2.3.2', machine).hint ?? '', /^There is no file/);
    writeFileSync(temp('empty.rknn'), '');
    assert.match(rknnLoadError('a', temp('empty.rknn'), -1, '2.3.2', machine).hint ?? '', /is empty/);
    writeFileSync(temp('p.rknn'), 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n');
    assert.match(rknnLoadError('a', temp('p.rknn'), -1, '2.3.2', machine).hint ?? '', /git-lfs pointer/);
  });

  it('of rknn_init name the driver, the permission or the container', () => {
    assert.match(initAdvice('rk3588-mainline'), /^The NPU has the mainline driver rocket/);
    assert.match(initAdvice('talos'), /^This kernel has no driver/);
    assert.match(initAdvice('group-render-only'), /card1 .*EACCES\. .*usermod -aG video,render USER/);
    assert.match(initAdvice('lxc-nodes-blocked'), /lxc\.cgroup2\.devices\.allow/);
  });

  it('of rknn_init name the open files when they are at their limit', () => {
    const fds = Object.fromEntries(Array.from({ length: 60 }, (_, fd) => [`/proc/self/fd/${fd}`, '']));
    const files = recordedTree(temp(), {
      files: { ...fds, '/proc/self/limits': 'Max open files            64                 64      files' },
    });
    writeFileSync(temp('a.rknn'), 'RKNN');
    assert.match(rknnLoadError('a', temp('a.rknn'), -1, '2.3.2', files).hint ?? '', /60 of at most 64 files/);
  });

  it('of rknn_init name the toolkit when nothing else is wrong', () => {
    assert.match(initAdvice('rk3588-vendor'), /^The file is damaged, or .* newer toolkit.*--toolkit 2\.3\.2/);
  });

  it('of rknn_run name the other program and the kernel’s last lines', () => {
    const { hint = '' } = rknnRunError('l0_attn', -1, '2.3.2', recordedFiles('frigate-on-card1'));
    assert.match(hint, /process 640 \(frigate\.detector:rknn\)/);
    assert.match(hint, /last lines: \[drm\] Initialized rknpu/);
    assert.doesNotMatch(hint, /toolkit|reported/);
  });

  it('of rknn_run name a driver for which failed runs are reported, with the report, and no other', () => {
    const runOn = (driver: string, runtime = '2.3.2'): string => {
      const files = recordedTree(temp(), { files: { '/sys/module/rknpu/version': driver } });
      return rknnRunError('a', -1, runtime, files).hint ?? '';
    };
    assert.match(runOn('0.9.3'), /radxa\/kernel#312/);
    assert.match(runOn('0.9.2'), /cores 1 and 2 fail .*rknn-toolkit2#294/);
    assert.match(runOn('0.7.2'), /airockchip\/rknn-toolkit2#447/);
    assert.doesNotMatch(runOn('0.7.2', '1.4.0'), /known for it/);
    for (const driver of ['0.8.2', '0.8.8', '0.9.0', '0.9.5', '0.9.6', '0.9.8']) {
      assert.doesNotMatch(runOn(driver), /known for it/, driver);
      assert.match(runOn(driver), /dmesg/);
    }
  });
});
