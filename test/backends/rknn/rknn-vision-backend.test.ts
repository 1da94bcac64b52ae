import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RknnSettings } from '../../../src/backends/rknn/rknn-vision-backend';
import { writeEmulatedShard } from '../../../src/cli/bench/emulator/emulated-stage';
import { npuLockPath } from '../../../src/platform/npu/npu-lock';
import { defined } from '../../../src/system/defined';
import { assembleVisionTower } from '../../../src/vision/open-vision-tower';
import { describeVisionBackend } from '../../contract/vision-backend-contract';
import { cosine } from '../../cosine';
import { assertNoLeak } from '../../leaks';
import { holdNpuLock } from '../../platform/npu/hold-npu-lock';
import { goldenActivations } from '../../vision/tiny-tower';
import { contractStage } from '../contract-stage';
import { EmulatedShards, residualScale } from './emulated-shards';

/** Of the small checkpoint's tile. */
const patches = 64;

describe('RknnVisionBackend', function () {
  // With sanitizers on a loaded machine, a tower takes a minute.
  this.timeout(300_000);
  const shards = new EmulatedShards();

  describeVisionBackend('rknn', {
    open: () => shards.npu.open(),
    stage: async (folder) => {
      const shape = { tokens: 16, hidden: 32, heads: 2, inner: 64 };
      return contractStage(folder, shape, (config, weights) =>
        writeEmulatedShard(folder, { name: 'l0_mlp', halves: [{ layer: 0, half: 'mlp' }] }, config, weights, {
          residualScale: 1,
        }),
      );
    },
    // Tensors between stages are rounded through fp16.
    cosine: 0.99999,
  });

  /** The goldens' first tile and an empty one through all shards, at once. @returns image rows, then the last stage's values of each tile */
  async function encodeTiles(settings: RknnSettings): Promise<readonly Float32Array[]> {
    const { config, tensors } = shards.checkpoint;
    const pixels = await goldenActivations().tile('pixel_values', 0);
    const backend = await shards.npu.open(settings);
    const manifest = { target: 'rk3588', residualScale, stages: shards.stages } as const;
    const tower = await assembleVisionTower({ dir: shards.dir, manifest }, tensors, config, backend);
    const seen: Float32Array[] = [];
    const { rows } = await tower.encode([pixels, new Float32Array(pixels.length)], {
      activations: (name, tile, values) => {
        if (name === 'l2_mlp') seen[tile] = Float32Array.from(values);
      },
    });
    await tower.close();
    await backend.close();
    return [rows, ...seen];
  }

  /** The result on the safe path, computed once. */
  let computed: Promise<readonly Float32Array[]> | undefined;
  function safeTiles(): Promise<readonly Float32Array[]> {
    computed ??= encodeTiles({});
    return computed;
  }

  it('passes the stream on in shared memory, with shared scratch, with the same result', async () => {
    const refused: string[] = [];
    const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const safe = await safeTiles();
    await shards.npu.forget();
    const before = await descriptors();
    const shared = await encodeTiles({
      zeroCopy: true,
      sharedScratch: true,
      onRefused: (why) => void refused.push(why),
    });
    assert.deepEqual(refused, []);
    for (const [index, values] of shared.entries()) assert.ok(cosine(values, safe[index]!) > 0.99999);
    const destroyed = (await shards.npu.trace()).filter(({ destroyed }) => destroyed !== undefined);
    assert.equal(destroyed.at(-1)?.memories, 0);
    assert.equal(await descriptors(), before);
    const entered = (await shards.npu.trace()).filter(({ stage }) => stage === 'l1_mlp');
    // Two tiles, and the proof's two passes.
    assert.equal(entered.length, 2 + 2);
  });

  for (const [fault, why] of [
    ['no_native', /l0_attn: rknn_query 8 failed/],
    ['io_wrong', /differs from the safe path/],
  ] as const) {
    it(`takes the safe path when shared memory fails its check (${fault})`, async () => {
      const safe = await safeTiles();
      await shards.npu.faults(fault);
      const refused: string[] = [];
      const settings = {
        zeroCopy: true,
        sharedScratch: true,
        onRefused: (each: string) => void refused.push(each),
      };
      assert.deepEqual(await encodeTiles(settings), safe);
      assert.match(refused.join(), why);
    });
  }

  it('passes a cancelled frame’s memory on to the next', async () => {
    const { config, tensors } = shards.checkpoint;
    const pixels = await goldenActivations().tile('pixel_values', 0);
    const backend = await shards.npu.open({ zeroCopy: true });
    const manifest = { target: 'rk3588', residualScale, stages: shards.stages } as const;
    const tower = await assembleVisionTower({ dir: shards.dir, manifest }, tensors, config, backend);
    const abort = new AbortController();
    const tiles = [pixels, pixels];
    const cancelled = tower.encode(tiles, {
      signal: abort.signal,
      onProgress: ({ done }) => done === 10 && abort.abort(new Error('cancelled')),
    });
    const [, next] = await Promise.all([assert.rejects(cancelled, /cancelled/), tower.encode(tiles)]);
    assert.equal(next.tiles, 2);
    await shards.npu.faults('run -1');
    await assert.rejects(tower.encode(tiles), { code: 'backend-rknn-call' });
    await shards.npu.faults();
    assert.deepEqual((await tower.encode(tiles)).rows, next.rows);
    await tower.close();
    await backend.close();
  });

  it('uses the cores of the chip, not those of the bundle’s target', async () => {
    const backend = await shards.npu.open({ cores: 2 });
    const runner = await backend.openStage(shards.dir, shards.stages[4]!);
    await runner.run(new Float32Array(patches * 64));
    assert.equal(shards.stages[4]?.core, 2);
    assert.equal((await shards.npu.trace()).find(({ stage }) => stage !== undefined)?.core, 0);
    await backend.close();
  });

  for (const [code, name] of [
    [-1, 'FAIL'],
    [-2, 'TIMEOUT'],
    [-3, 'DEVICE_UNAVAILABLE'],
    [-4, 'MALLOC_FAIL'],
    [-5, 'PARAM_INVALID'],
    [-6, 'MODEL_INVALID'],
    [-7, 'CTX_INVALID'],
    [-8, 'INPUT_INVALID'],
    [-9, 'OUTPUT_INVALID'],
    [-10, 'DEVICE_UNMATCH'],
    [-11, 'INCOMPATILE_PRE_COMPILE_MODEL'],
    [-12, 'INCOMPATILE_OPTIMIZATION_LEVEL_VERSION'],
    [-13, 'TARGET_PLATFORM_UNMATCH'],
    [-100, 'RUNTIME_ABORT'],
    [-77, 'unknown RKNN error -77'],
  ] as const) {
    it(`names the file and the error when a model is refused with ${code}`, async () => {
      const backend = await shards.npu.open();
      await shards.npu.faults(`init ${code}`);
      await assert.rejects(
        backend.openStage(shards.dir, shards.stages[0]!),
        (error: Error & { code?: string; hint?: string }) => {
          assert.equal(error.code, 'stage-load');
          assert.ok(error.message.includes('l0_attn.rknn') && error.message.includes(name), error.message);
          const isOfVersions = code === -1 || code === -6;
          assert.equal(/smolvlm convert --toolkit 2\.5\.0/.test(error.hint ?? ''), isOfVersions, error.hint);
          return true;
        },
      );
      await shards.npu.faults();
      await backend.openStage(shards.dir, shards.stages[0]!);
      await backend.close();
    });
  }

  it('runs a model of an older compiler, for which the library refuses several cores', async () => {
    await shards.npu.faults('old_compiler');
    const backend = await shards.npu.open();
    // One core each, and the driver’s choice.
    for (const core of [undefined, 0, 1, 2]) {
      const { core: _, ...stage } = shards.stages[1]!;
      const opened = await backend.openStage(shards.dir, { ...stage, ...defined({ core }) });
      assert.equal((await opened.run(new Float32Array(patches * 64))).length, patches * 64);
    }
    assert.deepEqual(await shards.npu.violations(), []);
    const { RknnContext } = await import('../../../src/backends/rknn/rknn-context.js');
    for (const coreMask of [3, 5, 7]) {
      const options = { name: 'l0_mlp', path: join(shards.dir, 'l0_mlp.rknn'), coreMask };
      await assert.rejects(RknnContext.open(backend.library, options), {
        code: 'stage-load',
        message: new RegExp(`rknn_set_core_mask ${coreMask} failed`),
      });
    }
    await backend.close();
    const broken = (await shards.npu.trace()).filter(({ violation }) => violation !== undefined);
    assert.deepEqual(
      broken.map(({ rule, violation }) => `${rule}: ${violation}`),
      Array(3).fill('vendor: several cores for a model of an older compiler'),
    );
    await shards.npu.forget();
  });

  it('does not pass on values that are not numbers', async () => {
    const backend = await shards.npu.open();
    const runner = await backend.openStage(shards.dir, shards.stages[1]!);
    await shards.npu.faults('nan');
    await assert.rejects(runner.run(new Float32Array(patches * 64)), {
      code: 'stage-output',
      hint: /validate/,
    });
    await backend.close();
  });

  it('allows one process on the NPU, and names it', async () => {
    const other = await holdNpuLock(npuLockPath());
    await assert.rejects(shards.npu.open(), {
      code: 'npu-busy',
      message: new RegExp(`process ${other.pid} \\(`),
    });
    const waiting = shards.npu.open({ whenBusy: 'wait' });
    other.stdin?.end();
    const [first, second] = [await waiting, await shards.npu.open()];
    assert.equal(existsSync(npuLockPath()), true);
    await first.close();
    assert.equal(existsSync(npuLockPath()), true, 'shared by the models of this process');
    await second.close();
    assert.equal(existsSync(npuLockPath()), false);
  });

  it('reports versions and memory', async () => {
    const { RknnContext } = await import('../../../src/backends/rknn/rknn-context.js');
    const backend = await shards.npu.open();
    assert.deepEqual([backend.library.path, backend.library.version], [shards.npu.library, '2.5.0']);
    const options = { name: 'x', path: join(shards.dir, 'l0_mlp.rknn'), coreMask: 0 };
    const context = await RknnContext.open(backend.library, options);
    const { runtime, driver } = await context.versions();
    assert.match(runtime, /^2\.5\.0 \(/);
    assert.equal(driver, '0.9.8');
    assert.ok((await context.memory()).weights > 10_000);
    await context.close();
    await backend.close();
  });

  for (const zeroCopy of [false, true]) {
    it(`leaks neither memory nor descriptors over many runs ${zeroCopy ? 'in shared memory' : 'on the safe path'}`, async function () {
      this.timeout(120_000);
      const folder = await mkdtemp(join(tmpdir(), 'smolvlm-small-'));
      const shape = { tokens: 4, hidden: 8, heads: 2, inner: 16 };
      const { stage } = await contractStage(folder, shape, (config, weights) =>
        writeEmulatedShard(folder, { name: 'l0_mlp', halves: [{ layer: 0, half: 'mlp' }] }, config, weights, {
          residualScale,
        }),
      );
      const traced = process.env.RKNN_EMULATOR_TRACE;
      delete process.env.RKNN_EMULATOR_TRACE;
      const backend = await shards.npu.open({ zeroCopy, onRefused: assert.fail });
      const opened = await backend.openStage(folder, stage);
      const [runner] = await backend.link([opened]);
      assert.equal(runner !== opened, zeroCopy);
      await assertNoLeak(async () => void (await runner?.run(new Float32Array(32))));
      await backend.close();
      if (traced !== undefined) process.env.RKNN_EMULATOR_TRACE = traced;
      await rm(folder, { recursive: true, force: true });
    });
  }
});
