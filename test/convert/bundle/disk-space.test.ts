import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecoderWriter } from '../../../src/convert/bundle/bundle-build';
import { type CpuBundleOptions, prepareCpuBundle } from '../../../src/convert/bundle/cpu-bundle';
import { checkDiskSpace, cpuBundleBytes, namingFullDisk } from '../../../src/convert/bundle/disk-space';
import { SmolvlmError } from '../../../src/errors';
import { describeBundleFile } from '../../../src/model/bundle/bundle-file';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { fixture } from '../../fixtures';

describe('disk space for a bundle', function () {
  this.timeout(30_000);

  it('is never estimated too low, nor more than 9 MB too high for a small one', async () => {
    const root = await mkdtemp(join(tmpdir(), 'smolvlm-space-'));
    const checkpoint = await openCheckpoint(fixture('goldens', 'tiny-idefics3'));
    try {
      for (const visionPrecision of ['float32', 'int8'] as const) {
        const dir = join(root, visionPrecision);
        const { configs } = await prepareCpuBundle(checkpoint, dir, { visionPrecision });
        const estimate = cpuBundleBytes(checkpoint, visionPrecision, undefined);
        const sizes = (await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size);
        const taken = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
        const copied = configs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        assert.ok(estimate >= taken, `${estimate} for ${taken}`);
        assert.ok(estimate - (taken - copied) < 9e6, `${estimate} for ${taken - copied}`);
      }
    } finally {
      await checkpoint.close();
      await rm(root, { recursive: true, force: true });
    }
  });

  it('grows with the decoder’s precision', async () => {
    const checkpoint = await openCheckpoint(fixture('goldens', 'tiny-idefics3'));
    const bytes = (['int4', 'int8', 'float32'] as const).map((decoder) =>
      cpuBundleBytes(checkpoint, 'int8', decoder),
    );
    await checkpoint.close();
    assert.deepEqual(
      [...bytes].sort((a, b) => a - b),
      bytes,
    );
    assert.ok(bytes[0]! > cpuBundleBytes(checkpoint, 'int8', undefined));
  });

  it('reports what needs how much, what is free, and what to do', async () => {
    await checkDiskSpace(join(tmpdir(), 'bundle'), 1);
    await assert.rejects(checkDiskSpace(join(tmpdir(), 'bundle'), 1e18, 'the model'), {
      code: 'bundle-disk-space',
      message: /the model needs about 1000000000000 MB, \d+ MB are free/,
      hint: /SMOLVLM_CACHE/,
    });
  });

  it('names a disk that becomes full, leaves no bundle, and continues when there is space', async () => {
    const root = await mkdtemp(join(tmpdir(), 'smolvlm-full-'));
    const checkpoint = await openCheckpoint(fixture('goldens', 'tiny-idefics3'));
    let path = '/dev/full';
    const writeDecoder: DecoderWriter = async (dir, _checkpoint, precision) => {
      await writeFile(path, 'decoder');
      const files = [await describeBundleFile(dir, 'decoder.onnx')];
      return { files, entry: { format: 'onnx', precision, files } };
    };
    const options: CpuBundleOptions = {
      visionPrecision: 'int8',
      decoder: { precision: 'int8', write: writeDecoder },
    };
    const bundle = join(root, 'bundle');
    try {
      await assert.rejects(prepareCpuBundle(checkpoint, bundle, options), {
        code: 'bundle-disk-space',
        message: `${root}: the disk is full`,
        hint: /Free some space.* continues from there/,
      });
      assert.deepEqual(await readdir(root), ['bundle.partial']);
      const before = await stat(join(`${bundle}.partial`, 'l11_mlp.onnx'));
      path = join(`${bundle}.partial`, 'decoder.onnx');
      await prepareCpuBundle(checkpoint, bundle, options);
      assert.equal((await stat(join(bundle, 'l11_mlp.onnx'))).ino, before.ino);
    } finally {
      await checkpoint.close();
      await rm(root, { recursive: true, force: true });
    }
  });

  it('names the folder for temporary files when that one is full, not the bundle’s', async () => {
    const told = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    // /proc is a file system without free space.
    await assert.rejects(
      namingFullDisk(join(tmpdir(), 'bundle'), () => Promise.reject(told), '/proc'),
      { code: 'bundle-disk-space', message: '/proc: the disk is full', hint: /TMPDIR/ },
    );
  });

  it('recognises the toolkit’s message for a full disk', async () => {
    const told = new SmolvlmError('toolkit-failed', 'l0_attn: OSError: [Errno 28] No space left on device');
    await assert.rejects(
      namingFullDisk('/data/bundle', () => Promise.reject(told)),
      { code: 'bundle-disk-space', message: '/data: the disk is full', cause: told },
    );
  });
});
