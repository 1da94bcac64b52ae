import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { DoctorReport } from '../../src/protocol/doctor-report';
import { fixture } from '../fixtures';
import { useTempFolder } from '../temp-folder';
import { type Ended, runSmolvlm } from './run-smolvlm';
import { runSmolvlmHere } from './run-smolvlm-here';

function doctor(...args: string[]): Promise<Ended> {
  return runSmolvlmHere(['doctor', ...args]);
}

describe('smolvlm doctor', () => {
  const temp = useTempFolder();

  it('prints one line per check and what the machine can do, and exits with 0 when nothing is bad', async () => {
    const { status, stdout, stderr } = await runSmolvlm([
      'doctor',
      '--root',
      fixture('machines', 'rk3588-vendor'),
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ok {4}Chip +Radxa ROCK 5B: rk3588, 3 NPU cores$/m);
    assert.match(stdout, /^Captions on the CPU: yes\. On the NPU: yes\. Conversion for an NPU: no\.$/m);
  });

  it('prints advice below a bad check, and exits with 1', async () => {
    const { status, stdout } = await doctor('--root', fixture('machines', 'rk3588-mainline'));
    assert.equal(status, 1);
    assert.match(stdout, /^bad {3}NPU driver +rocket.*\n +→ Boot a vendor kernel/m);
  });

  it('prints one JSON document with --json', async () => {
    const { status, stdout } = await doctor('--json', '--root', fixture('machines', 'home-assistant'));
    assert.equal(status, 1);
    const { checks, can }: DoctorReport = JSON.parse(stdout);
    assert.deepEqual(can, { captionOnCpu: false, captionOnNpu: false, convert: false });
    for (const { id, title, state, value } of checks) {
      assert.match(id, /^[a-z]+(-[a-z]+)*$/);
      assert.match(state, /^(ok|warn|bad|info)$/);
      assert.ok(title !== '' && value !== '');
    }
    assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
  });

  it('compares a bundle with the machine', async () => {
    const tensor = { name: 'x', dtype: 'float32', shape: [1, 64, 32] };
    const file = { path: 'vision.rknn', sha256: '0'.repeat(64), sizeBytes: 1 };
    const manifest = {
      schemaVersion: 1,
      model: { id: 'test', sha256: '0'.repeat(64) },
      target: 'rk3576',
      toolkitVersion: '2.3.2',
      residualScale: 1,
      stages: [{ name: 'vision', file, precision: 'fp16', core: 0, input: tensor, output: tensor }],
      host: { ...file, path: 'host.safetensors' },
      configs: [],
      created: '2026-03-01T10:00:00.000Z',
    };
    mkdirSync(temp('bundle'));
    writeFileSync(temp('bundle', 'smolvlm-bundle.json'), JSON.stringify(manifest));
    const on = (machine: string) => doctor('--model', temp('bundle'), '--root', fixture('machines', machine));
    const fitting = await on('rk3576');
    assert.equal(fitting.status, 0, fitting.stderr);
    assert.match(fitting.stdout, /^ok +Bundle .*rk3576, by rknn-toolkit2 2\.3\.2; librknnrt is 2\.3\.2$/m);
    const other = await on('rk3588-vendor');
    assert.equal(other.status, 1);
    assert.match(other.stdout, /^bad +Bundle .*this chip is rk3588\n +→ .*--target rk3588\.$/m);
  });

  it('records the machine', async () => {
    const here = await doctor('--record', temp('machine'));
    assert.match(here.stderr, /recorded in .*recording\.json: read it before you send it/);
    const kernel = /^info +Kernel .*$/m;
    const there = await doctor('--root', temp('machine'));
    assert.equal(there.stdout.match(kernel)?.[0], here.stdout.match(kernel)?.[0]);
    writeFileSync(temp('file'), '');
    const refused = await doctor('--record', temp('file', 'machine'));
    assert.match(refused.stderr, /cannot be recorded in .* \[doctor-record\]/);
  });

  it('refuses a missing folder, and an invalid recording', async () => {
    const absent = await doctor('--root', temp('absent'));
    assert.equal(absent.status, 1);
    assert.match(absent.stderr, /found none at .*absent \[doctor-root\]/);
    writeFileSync(temp('plain'), '');
    assert.match((await doctor('--root', temp('plain'))).stderr, /found none at .*plain \[doctor-root\]/);
    writeFileSync(temp('recording.json'), '{"process": {"arch": 3}}');
    const broken = await doctor('--root', temp());
    assert.equal(broken.status, 1);
    assert.match(
      broken.stderr,
      /process\.arch: expected a non-empty string, received 3 \[doctor-recording\]/,
    );
  });
});
