import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareCpuBundle } from '../../src/convert/cpu-bundle';
import { checkDiskSpace, cpuBundleBytes } from '../../src/convert/disk-space';
import { openCheckpoint } from '../../src/model/checkpoint';
import { fixture } from '../fixtures';

describe('disk space for a bundle', function () {
  this.timeout(30_000);

  it('is never underestimated, nor by more than 9 MB too high for a small one', async () => {
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

  it('says how much is needed and free, and where else to go', async () => {
    await checkDiskSpace(join(tmpdir(), 'bundle'), 1);
    await assert.rejects(checkDiskSpace(join(tmpdir(), 'bundle'), 1e18), {
      code: 'bundle-disk-space',
      message: /needs about 1000000000000 MB, \d+ MB are free/,
      hint: /SMOLVLM_CACHE/,
    });
  });
});
