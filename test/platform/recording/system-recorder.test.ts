import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagnose } from '../../../src/platform/doctor/diagnose';
import { npuClock } from '../../../src/platform/frequency-domains';
import { SystemFiles } from '../../../src/platform/recording/system-files';
import { SystemRecorder } from '../../../src/platform/recording/system-recorder';
import { recordingName, writeRecording } from '../../../src/platform/recording/system-recording';
import { fixture } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';
import { recordedMachines } from '../recorded-machine';

describe('system recorder', () => {
  const temp = useTempFolder();

  it('records everything that a report needs', async () => {
    for (const name of recordedMachines) {
      const recorder = new SystemRecorder(fixture('machines', name));
      const report = await diagnose([], recorder);
      await writeRecording(temp(name), recorder.recording);
      assert.deepEqual(await diagnose([], new SystemFiles(temp(name))), report, name);
    }
  });

  it('records a live machine so that its report stays the same', async () => {
    const recorder = new SystemRecorder();
    const { checks } = await diagnose([], recorder);
    await writeRecording(temp('live'), recorder.recording);
    const recorded = await diagnose([], new SystemFiles(temp('live')));
    const stable =
      /^(soc|kernel|container|libc|node|npu-driver|npu-devices|rknn-runtime|onnxruntime|cpu-products|python|ffmpeg)$/;
    assert.deepEqual(
      recorded.checks.filter(({ id }) => stable.test(id)),
      checks.filter(({ id }) => stable.test(id)),
    );
    assert.deepEqual(
      recorded.checks.map(({ id }) => id),
      checks.map(({ id }) => id),
    );
  });

  it('records the links from /sys to a device', async () => {
    const device = temp('tree', 'sys', 'devices', 'platform', 'fdab0000.npu');
    const devfreq = join(device, 'devfreq', 'fdab0000.npu');
    mkdirSync(devfreq, { recursive: true });
    mkdirSync(temp('tree', 'sys', 'class', 'devfreq'), { recursive: true });
    writeFileSync(join(device, 'uevent'), 'DRIVER=RKNPU\nOF_COMPATIBLE_0=rockchip,rk3588-rknpu\n');
    writeFileSync(join(devfreq, 'cur_freq'), '300000000\n');
    symlinkSync('../../../fdab0000.npu', join(devfreq, 'device'));
    symlinkSync(
      '../../devices/platform/fdab0000.npu/devfreq/fdab0000.npu',
      temp('tree', 'sys', 'class', 'devfreq', 'fdab0000.npu'),
    );
    const recorder = new SystemRecorder(temp('tree'));
    assert.deepEqual(npuClock(recorder), { currentHz: 300_000_000 });
    await writeRecording(temp('recorded'), recorder.recording);
    assert.deepEqual(npuClock(new SystemFiles(temp('recorded'))), { currentHz: 300_000_000 });
  });

  it('records no program arguments, no users and no log', async () => {
    for (const name of recordedMachines) {
      const recorder = new SystemRecorder(fixture('machines', name));
      await diagnose([], recorder);
      await writeRecording(temp(name), recorder.recording);
      const text = readFileSync(temp(name, recordingName), 'utf8');
      assert.doesNotMatch(text, /\bsecret\b|orangepi:|fdab0000\.npu on minor/, name);
    }
  });
});
