import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildEmulator } from '../../../src/cli/bench/emulator/build-emulator';
import { writeEmulatedShard, writeEmulatedTower } from '../../../src/cli/bench/emulator/emulated-stage';
import type { BundleStage } from '../../../src/model/bundle/bundle-manifest';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { visionStages } from '../../../src/onnx/vision/vision-stages';
import { demoModel, repositoryRoot } from '../../fixtures';
import { useSuiteFolder } from '../../package/packed-package';
import { EmulatedNpu, type TraceEvent } from './emulated-npu';

/** Made by scripts/arm64-python.sh, which .ci/run starts. */
const python = join(homedir(), '.cache', 'smolvlm-test', 'arm64-python-3.11');
const program = join(repositoryRoot, 'test', 'backends', 'rknn', 'foreign_client.py');
const compiler = 'aarch64-linux-gnu-gcc';

/** Tensors are rounded to fp16; sums are added in another order on arm64. */
const largestDifference = 0.004;

/**
 * Of each the core masks that reach the library, in the order of foreign_client.py: automatic (of ez-rknn-async twice), each
 * core by itself, two, three, and all, which rknn-toolkit-lite2 sends as 7.
 */
const clients = [
  ['rknn-toolkit-lite2', '2.5.0', [0, 1, 2, 4, 3, 7, 7]],
  ['ez-rknn-async', '0.11.0', [0, 0, 1, 2, 4, 3, 7, 0xffff]],
] as const;

describe('clients of librknnrt by others, on arm64 against the emulated NPU (needs scripts/arm64-python.sh)', function () {
  this.timeout(600_000);
  const folder = useSuiteFolder();
  const temp = (...parts: string[]): string => join(folder, ...parts);
  let npu: EmulatedNpu;
  const stages = new Map<string, { readonly stage: BundleStage; readonly ours: Float32Array }>();

  before(async function () {
    const programs = ['qemu-aarch64', compiler].filter((each) => spawnSync(each, ['--version']).error);
    const missing = [...programs, ...(existsSync(python) ? [] : [python])];
    if (missing.length > 0) {
      console.log(`      needs ${missing.join(' and ')}`);
      this.skip();
    }
    npu = await EmulatedNpu.create();
    const library = await buildEmulator('rknn', { compiler });
    cpSync(join(python, 'root'), temp('root'), { recursive: true, verbatimSymlinks: true });
    cpSync(library, temp('root', 'usr', 'lib', 'librknnrt.so'));
    symlinkSync(join(python, 'site'), temp('site'));
    const checkpoint = await openCheckpoint(demoModel);
    try {
      const { tensors } = checkpoint;
      // One layer: an emulated processor is slow.
      const config = { ...checkpoint.config, vision: { ...checkpoint.config.vision, layers: 1 } };
      const [plan = assert.fail()] = visionStages(1, 'half-layer');
      await compute(await writeEmulatedShard(temp(), plan, config, tensors, { residualScale: 0.125 }));
      await compute(await writeEmulatedTower(temp(), config, tensors));
    } finally {
      await checkpoint.close();
    }
    await npu.forget();
  });
  after(() => npu?.remove());

  /** Runs a stage with our own binding. */
  async function compute(stage: BundleStage): Promise<void> {
    const elements = stage.input.shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length: elements }, (_, index) => (index * 7919) % 256);
    const input = stage.input.dtype === 'uint8' ? values : values.map((value) => value / 128 - 1);
    writeFileSync(temp(`${stage.name}.in`), stage.input.dtype === 'uint8' ? Uint8Array.from(values) : input);
    const backend = await npu.open();
    try {
      const runner = await backend.openStage(temp(), { ...stage, core: 0 });
      const given = input;
      stages.set(stage.name, { stage, ours: (await runner.run(given)).slice() });
    } finally {
      await backend.close();
    }
  }

  for (const [client, version, masks] of clients) {
    for (const name of ['l0_attn', 'vision']) {
      it(`${client} ${version} runs ${name} on each core mask and gets our numbers`, async () => {
        const { stage, ours } = stages.get(name) ?? assert.fail();
        const { dtype, shape } = stage.input;
        const model = temp(stage.file.path);
        const output = temp(`${client}.${name}`);
        const args = [program, client, model, temp(`${name}.in`), dtype, shape.join(','), output];
        await npu.forget();
        const root = temp('root');
        const emulated = ['-L', root, join(root, 'usr', 'bin', 'python3.11'), '-S', ...args];
        const env = { ...process.env, PYTHONHOME: '/usr', PYTHONPATH: temp('site') };
        const { stdout } = await promisify(execFile)('qemu-aarch64', emulated, { env });
        const answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
        assert.equal(answer.version, version);
        assert.equal(answer.masks.length, masks.length);
        const trace = (await npu.trace()).filter((event) => event.stage !== undefined);
        assert.deepEqual(
          trace.map(({ mask }) => mask),
          masks,
        );
        for (const { mask = 0, core = -1 } of trace) {
          assert.ok(mask === 0 || (mask >> core) & 1, `core ${core} for mask ${mask}`);
        }
        const bytes = readFileSync(output);
        const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        assert.equal(theirs.length, ours.length);
        const size = Math.max(...ours.map(Math.abs));
        const difference = Math.max(
          ...ours.map((value, index) => Math.abs(value - (theirs[index] as number))),
        );
        assert.ok(difference / size < largestDifference, `${difference} of ${size}`);
        assert.deepEqual((await npu.trace()).filter(isRefusal), []);
      });
    }
  }
});

/** These clients keep the vendor's rules, but not all of ours. */
function isRefusal({ rule }: TraceEvent): boolean {
  return rule === 'vendor';
}
