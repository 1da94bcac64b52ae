import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writePassStage } from '../../../src/cli/bench/emulator/emulated-stage';
import { readModelConfigs } from '../../../src/model/checkpoint/checkpoint';
import { demoModel, repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';
import { EmulatedNpu } from './emulated-npu';

/** The vendor's 1.2 to 1.4, aarch64, under qemu with a stand-in for the driver. */
const observed = {
  'init of a file': 0,
  'init of no file': -1,
  'init of a damaged file': -1,
  'init of bytes': 0,
  'init of too few bytes': -1,
  "init of a newer toolkit's bytes": -1,
  'query with less than the structure': -5,
  'query with the structure': 0,
  'query with more than the structure': 0,
  'query of an index out of range': -5,
  'query of an unknown command': -5,
  'core mask 1': 0,
  'core mask 2': 0,
  'core mask 3': 0,
  'core mask 4': 0,
  // rknn_core_mask has no such value.
  'core mask 5': -5,
  'core mask 7': 0,
  'run without inputs': 0,
  'run with an extend': 0,
  get: 0,
  'get twice': 0,
  'the address is kept': 1,
  'run on it': 0,
  "the caller's own mapping has the output": 1,
  "the mapping is the caller's afterwards": 1,
  'signal of a context destroyed twice': 11,
  'signal of a made-up handle destroyed': 11,
};

describe('the emulated NPU, called from C', () => {
  const temp = useTempFolder();
  let npu: EmulatedNpu;
  beforeEach(async () => {
    npu = await EmulatedNpu.create();
  });
  afterEach(() => npu.remove());

  async function returned(): Promise<Record<string, number>> {
    const { config } = await readModelConfigs(demoModel);
    const { file } = await writePassStage(temp(), 'pass', config, { residualScale: 1 });
    const model = temp(file.path);
    const damaged = Buffer.from(readFileSync(model));
    damaged.fill(0, 0, 32);
    writeFileSync(temp('damaged.rknn'), damaged);
    const source = join(repositoryRoot, 'test', 'backends', 'rknn', 'vendor_behaviour.c');
    const include = join(repositoryRoot, 'test', 'emulator', 'rknn');
    const run = promisify(execFile);
    const program = temp('program');
    const args = ['-Wall', '-Werror', '-I', include, '-o', program, source, npu.library];
    await run(process.env.CC || 'cc', [...args, `-Wl,-rpath,${dirname(npu.library)}`]);
    const { stdout } = await run(program, [model, temp('damaged.rknn'), temp('absent.rknn')]);
    const lines = stdout.trim().split('\n');
    return Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.lastIndexOf(':')),
        Number(line.slice(line.lastIndexOf(':') + 1)),
      ]),
    );
  }

  it('returns and crashes as the vendor’s library was observed to', async () => {
    assert.deepEqual(await returned(), observed);
    const refused = (await npu.trace()).flatMap(({ violation, rule }) =>
      rule === 'vendor' ? violation : [],
    );
    assert.deepEqual(refused, ['a query with less than its structure', 'index of a tensor']);
  });

  it('refuses several cores for a model of an older compiler', async () => {
    await npu.faults('old_compiler');
    const masks = Object.entries(await returned()).filter(([what]) => what.startsWith('core mask'));
    assert.deepEqual(
      masks.map(([, code]) => code),
      [0, 0, -5, 0, -5, -5],
    );
  });

  it('fails a run as the vendor’s does where the driver refuses the job', async () => {
    await npu.faults('run -1');
    assert.equal((await returned())['run with an extend'], -1);
  });
});
