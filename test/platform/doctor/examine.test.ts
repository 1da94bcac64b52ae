import assert from 'node:assert/strict';
import { release } from 'node:os';
import { examine } from '../../../src/platform/doctor/examine';
import { readMachine } from '../../../src/platform/machine';
import { SystemFiles } from '../../../src/platform/recording/system-files';
import type { DoctorCheck, DoctorReport, DoctorState } from '../../../src/protocol/doctor-report';
import { type RecordedMachine, recordedMachine, recordedMachines } from '../recorded-machine';

function reportOf(name: RecordedMachine): DoctorReport {
  return examine(recordedMachine(name));
}

function idsOf({ checks }: DoctorReport, state: DoctorState): string[] {
  return checks.filter((check) => check.state === state).map(({ id }) => id);
}

function find({ checks }: DoctorReport, id: string): DoctorCheck {
  const check = checks.find((each) => each.id === id);
  assert.ok(check, `the report has no ${id}`);
  return check;
}

describe('doctor', () => {
  it('finds nothing wrong with an RK3588 on the vendor kernel, whose NPU its own engine holds', () => {
    const report = reportOf('rk3588-vendor');
    assert.deepEqual([idsOf(report, 'bad'), idsOf(report, 'warn')], [[], []]);
    assert.deepEqual(report.can, { captionOnCpu: true, captionOnNpu: true, convert: false });
    assert.equal(find(report, 'soc').value, 'Radxa ROCK 5B: rk3588, 3 NPU cores');
    assert.equal(
      find(report, 'npu-driver-version').value,
      '0.9.8 (/sys/module/rknpu/version), 0.9.8 (/dev/kmsg)',
    );
    assert.equal(find(report, 'npu-devices').value, '/dev/dri/card1');
    assert.match(find(report, 'npu-users').value, /SmolVLM’s process 812 \(node main\.js serve\) since 2026/);
    assert.match(find(report, 'npu-users').value, /1 other processes/);
    assert.equal(find(report, 'rknn-runtime').value, '2.3.2 (/usr/lib/librknnrt.so)');
    assert.equal(find(report, 'rkllm-runtime').value, '1.2.3 (/usr/lib/librkllmrt.so)');
    assert.equal(find(report, 'npu-clock').value, '300 MHz of 1 GHz (rknpu_ondemand)');
    assert.equal(find(report, 'memory-clock').value, '528 MHz of 2.11 GHz (dmc_ondemand)');
    assert.equal(find(report, 'temperature').value, '44 °C (npu-thermal)');
  });

  it('reports the flags that a container without access to the NPU needs', () => {
    const report = reportOf('rk3588-docker');
    assert.deepEqual(idsOf(report, 'bad'), ['soc', 'npu-devices', 'rknn-runtime']);
    assert.deepEqual(report.can, { captionOnCpu: true, captionOnNpu: false, convert: false });
    assert.equal(find(report, 'container').value, 'Docker');
    assert.equal(find(report, 'npu-devices').value, '/dev/dri/card1 is not in this container');
    assert.equal(
      find(report, 'npu-devices').advice,
      'Start the container with --device /dev/dri/card1 --device /dev/dri/renderD129.',
    );
    assert.match(find(report, 'soc').advice ?? '', /systempaths=unconfined/);
    assert.match(find(report, 'memory').value, /this container is limited to 1\.5 GiB/);
    assert.equal(
      find(report, 'npu-users').value,
      'no process in this container; those outside cannot be seen',
    );
  });

  it('distinguishes the mainline driver from the vendor’s, and leaves out checks of the vendor’s driver', () => {
    const report = reportOf('rk3588-mainline');
    assert.deepEqual(idsOf(report, 'bad'), ['npu-driver']);
    assert.match(find(report, 'npu-driver').value, /^rocket/);
    assert.equal(find(report, 'rknn-runtime').state, 'info');
    assert.ok(!report.checks.some(({ id }) => id === 'npu-devices'));
    assert.deepEqual(report.can, { captionOnCpu: true, captionOnNpu: false, convert: false });
  });

  it('counts an RK3582’s two cores, and reports the group that may use its NPU and the limits of its clocks', () => {
    const report = reportOf('rk3582');
    assert.deepEqual(idsOf(report, 'bad'), ['npu-devices', 'rkllm-runtime']);
    assert.deepEqual(idsOf(report, 'warn'), [
      'npu-driver-version',
      'rknn-runtime',
      'memory',
      'open-files',
      'npu-clock',
      'cpu-clock',
      'temperature',
    ]);
    assert.equal(find(report, 'soc').value, 'Radxa E52C: rk3582, 2 NPU cores');
    assert.match(find(report, 'npu-devices').value, /card1 \(0660, group video\) cannot be opened: EACCES/);
    assert.match(find(report, 'npu-devices').advice ?? '', /usermod -aG video,render/);
    assert.match(
      find(report, 'rknn-runtime').value,
      /^1\.5\.2 \(\/usr\/lib\/.*, then 2\.3\.0 \(\/usr\/local/,
    );
    assert.match(find(report, 'npu-clock').value, /limited to 600 MHz/);
  });

  it('reports another program that uses an RK3576’s NPU, without its secrets, and accepts contiguous memory', () => {
    const report = reportOf('rk3576');
    assert.deepEqual([idsOf(report, 'bad'), idsOf(report, 'warn')], [[], ['npu-users']]);
    assert.equal(find(report, 'npu-users').value, 'process 955 (python3 frigate.py)');
    assert.equal(find(report, 'npu-devices').value, '/dev/rknpu');
    assert.equal(find(report, 'npu-memory').value, 'contiguous memory (CMA) only: 469 MiB free of 512 MiB');
    assert.equal(find(report, 'soc').value, 'FriendlyElec NanoPi M5: rk3576, 2 NPU cores');
  });

  it('finds nothing wrong with a PC that has no NPU', () => {
    const report = reportOf('x86');
    assert.deepEqual([idsOf(report, 'bad'), idsOf(report, 'warn')], [[], []]);
    assert.deepEqual(report.can, { captionOnCpu: true, captionOnNpu: false, convert: true });
    assert.equal(find(report, 'soc').value, 'LENOVO ThinkCentre M720q: x64, no NPU');
    // /usr/bin/python3 is 3.13, which the toolkit has no wheels for.
    assert.equal(find(report, 'python').value, '/usr/bin/python3.11');
    assert.ok(!report.checks.some(({ id }) => id.startsWith('npu-')));
  });

  it('advises a Home Assistant app to use an engine on another machine', () => {
    const report = reportOf('home-assistant');
    assert.deepEqual(idsOf(report, 'bad'), ['libc']);
    assert.equal(find(report, 'container').value, 'Home Assistant app');
    assert.match(find(report, 'libc').value, /^musl/);
    assert.match(find(report, 'libc').advice ?? '', /enter its address in the engine node/);
    assert.deepEqual(report.can, { captionOnCpu: false, captionOnNpu: false, convert: false });
  });

  it('has one line of advice for each warning and error', () => {
    for (const name of recordedMachines) {
      for (const { id, state, value, advice } of reportOf(name).checks) {
        assert.match(value, /^\S[^\n]*$/, `${name} ${id}`);
        if (state === 'bad' || state === 'warn') assert.match(advice ?? '', /^[^\n]+\.$/, `${name} ${id}`);
        if (advice !== undefined) assert.notEqual(state, 'ok', `${name} ${id}`);
      }
    }
  });

  it('examines this machine', () => {
    const report = examine(readMachine(new SystemFiles()));
    assert.equal(find(report, 'node').value, process.versions.node);
    assert.equal(find(report, 'onnxruntime').state, 'ok');
    if (process.platform === 'linux') assert.equal(find(report, 'kernel').value, release());
  });
});
