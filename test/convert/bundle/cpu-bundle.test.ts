import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { OnnxVisionBackend } from '../../../src/backends/onnxruntime/onnx-vision-backend';
import type { DecoderWriter } from '../../../src/convert/bundle/bundle-build';
import {
  type CpuBundleOptions,
  cpuBuilderVersion,
  prepareCpuBundle,
} from '../../../src/convert/bundle/cpu-bundle';
import { preparedBundle } from '../../../src/convert/bundle/prepared-bundle';
import { describeBundleFile } from '../../../src/model/bundle/bundle-file';
import { HostTensors, hostTensors } from '../../../src/model/bundle/host-tensors';
import { writePreparedRecord } from '../../../src/model/bundle/prepared-record';
import { readBundle } from '../../../src/model/bundle/read-bundle';
import { type Checkpoint, openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { openVisionTower } from '../../../src/vision/open-vision-tower';
import { fixture } from '../../fixtures';
import { assertAgrees } from '../../vision/agreement';
import { goldenActivations } from '../../vision/tiny-tower';

const tiny = fixture('goldens', 'tiny-idefics3');

/** A stand-in for the decoder, which these tests do not cover. */
const writeDecoder: DecoderWriter = async (dir, _checkpoint, precision) => {
  await writeFile(join(dir, 'decoder.onnx'), precision);
  const files = [await describeBundleFile(dir, 'decoder.onnx')];
  return { files, entry: { format: 'onnx', precision, files } };
};

const options: CpuBundleOptions = {
  visionPrecision: 'float32',
  decoder: { precision: 'int8', write: writeDecoder },
};

describe('a CPU bundle', function () {
  this.timeout(30_000);
  let root: string;
  let checkpoint: Checkpoint;
  const userCache = process.env.SMOLVLM_CACHE;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'smolvlm-cpu-bundle-'));
    process.env.SMOLVLM_CACHE = join(root, 'cache');
    checkpoint = await openCheckpoint(tiny);
  });
  after(async () => {
    await checkpoint.close();
    if (userCache === undefined) delete process.env.SMOLVLM_CACHE;
    else process.env.SMOLVLM_CACHE = userCache;
    await rm(root, { recursive: true, force: true });
  });

  describe('prepared from the golden checkpoint', () => {
    let dir: string;
    const parts: string[] = [];
    before(async () => {
      dir = join(root, 'tiny');
      await prepareCpuBundle(checkpoint, dir, options, {
        onProgress: ({ part, done, total }) => parts.push(`${done}/${total} ${part}`),
      });
    });

    it('lists 24 stages in the order they run, with the tensors of shards', async () => {
      const { manifest } = await readBundle(dir);
      const names = Array.from({ length: 12 }, (_, layer) => [`l${layer}_attn`, `l${layer}_mlp`]).flat();
      assert.deepEqual(
        manifest.stages.map(({ name }) => name),
        names,
      );
      for (const { input, output } of manifest.stages) {
        assert.deepEqual(input, { name: 'in', dtype: 'float32', shape: [1, 1024, 64] });
        assert.deepEqual(output, { name: 'out', dtype: 'float32', shape: [1, 1024, 64] });
      }
    });

    it('contains exactly the files its manifest names', async () => {
      const { manifest } = await readBundle(dir);
      const { stages, hostGraphs, host, decoder, configs } = manifest;
      const graphs = [...stages, ...Object.values(hostGraphs ?? {})];
      const named = graphs.flatMap(({ file, data }) => (data ? [file, data] : [file]));
      const all = [...named, ...(host ? [host] : []), ...(decoder?.files ?? []), ...configs].map(
        ({ path }) => path,
      );
      assert.deepEqual((await readdir(dir)).sort(), [...all, 'smolvlm-bundle.json'].sort());
    });

    it('reports each part when it is done', () => {
      assert.equal(parts.length, 28);
      assert.equal(parts[0], '1/28 host');
      assert.equal(parts[27], '28/28 decoder');
    });

    it('keeps the host’s tensors in the checkpoint’s own format, readable row by row', async () => {
      const host = await HostTensors.open(await readBundle(dir));
      try {
        const row = await host.readRows(hostTensors.tokenEmbeddings, 49190, 49191);
        assert.deepEqual(row, await checkpoint.tensors.readRows(hostTensors.tokenEmbeddings, 49190, 49191));
        assert.deepEqual(
          await host.read(hostTensors.positions),
          await checkpoint.tensors.read(hostTensors.positions),
        );
      } finally {
        await host.close();
      }
    });

    it('encodes the golden photo like the reference', async () => {
      const backend = await OnnxVisionBackend.load({ threads: 2 });
      const tower = await openVisionTower(await readBundle(dir), backend);
      try {
        const golden = goldenActivations();
        const { rows } = await tower.encode([await golden.tile('pixel_values', 0)]);
        assertAgrees('connector', rows, await golden.tile('connector', 0));
      } finally {
        await tower.close();
        await backend.close();
      }
    });

    it('is not opened when a stage was changed or truncated, and the file is named', async () => {
      const backend = await OnnxVisionBackend.load({ threads: 1 });
      for (const [damage, code] of [
        [(path: string) => appendFile(path, 'x'), 'bundle-file-size'],
        [(path: string) => truncate(path, 99), 'bundle-file-size'],
        [(path: string) => rm(path), 'bundle-file-missing'],
      ] as const) {
        const copy = join(root, 'damaged');
        await cp(dir, copy, { recursive: true });
        await damage(join(copy, 'l3_mlp.onnx.data'));
        const opening = openVisionTower(await readBundle(copy), backend);
        await assert.rejects(opening, { code, message: /l3_mlp\.onnx\.data/ });
        await rm(copy, { recursive: true });
      }
      await backend.close();
    });
  });

  it('continues from the stages finished before an interruption', async () => {
    const dir = join(root, 'stopped');
    const abort = new AbortController();
    const first = prepareCpuBundle(checkpoint, dir, options, {
      signal: abort.signal,
      onProgress: ({ part }) => part === 'l4_mlp' && abort.abort(new Error('stopped by hand')),
    });
    await assert.rejects(first, { message: 'stopped by hand' });
    assert.ok(!existsSync(dir));
    const before = (await readdir(`${dir}.partial`)).filter((name) => name.endsWith('.onnx'));
    assert.equal(before.length, 2 + 10, 'two host graphs and ten stages');
    const manifest = await prepareCpuBundle(checkpoint, dir, options);
    assert.equal(manifest.stages.length, 24);
    assert.ok(!existsSync(`${dir}.partial`));
  });

  it('is prepared once for a checkpoint, even for two callers at the same time', async () => {
    const bundlesDir = join(root, 'bundles');
    let prepared = 0;
    const counting: DecoderWriter = (...given) => {
      prepared++;
      return writeDecoder(...given);
    };
    const counted: CpuBundleOptions = { ...options, decoder: { precision: 'int8', write: counting } };
    const { reference: _, ...withoutReference } = counted;
    const ask = () => preparedBundle(tiny, withoutReference, { bundlesDir });
    const [a, b] = await Promise.all([ask(), ask()]);
    const c = await ask();
    assert.equal(prepared, 1);
    assert.deepEqual([a.dir, a.dir], [b.dir, c.dir]);
    const stem = basename(a.dir).slice(0, -16);
    const old = async (name: string, builder?: number): Promise<string> => {
      const dir = join(bundlesDir, name);
      await mkdir(dir);
      if (builder !== undefined) await writePreparedRecord(dir, { builder });
      return dir;
    };
    const others = [
      await old(`another-model-int8-${'0'.repeat(16)}`, cpuBuilderVersion - 1),
      await old(`${stem}${'1'.repeat(16)}`, cpuBuilderVersion - 1),
      await old(`another-model-int8-${'2'.repeat(16)}`, cpuBuilderVersion),
      await old(`another-model-int8-${'3'.repeat(16)}`),
      await old('by-hand', cpuBuilderVersion - 1),
    ];
    const other = await preparedBundle(tiny, { visionPrecision: 'float32' }, { bundlesDir });
    assert.notEqual(other.dir, a.dir);
    assert.deepEqual(
      others.map((dir) => existsSync(dir)),
      [false, false, true, true, true],
      'what an older version made is removed',
    );
    assert.equal(other.manifest.decoder, undefined);
    assert.equal(
      (await preparedBundle(a.dir, { visionPrecision: 'int8' })).dir,
      a.dir,
      'a bundle is opened as it is',
    );
  });
});
