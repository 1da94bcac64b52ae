import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { benchmarkVision } from '../../../src/convert/validate/vision-benchmark';
import { openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { fixture } from '../../fixtures';

describe('benchmarkVision', function () {
  this.timeout(30_000);

  it('times every variant, reports their ratios and leaves nothing behind', async () => {
    const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('smolvlm-bench-'));
    const before = await folders();
    const checkpoint = await openCheckpoint(fixture('goldens', 'tiny-idefics3'));
    try {
      const lines: string[] = [];
      const result = await benchmarkVision(checkpoint, {
        threads: 1,
        passes: 2,
        onProgress: (line) => lines.push(line),
      });
      const { float32MsPerTile, int8MsPerTile, oneGraphMsPerTile, ratios } = result;
      for (const ms of [float32MsPerTile, int8MsPerTile, oneGraphMsPerTile]) assert.ok(ms > 0, `${ms} ms`);
      assert.equal(ratios.int8ToFloat32, int8MsPerTile / float32MsPerTile);
      assert.equal(ratios.stagesToOneGraph, int8MsPerTile / oneGraphMsPerTile);
      assert.ok(lines.includes('vision pass 2/2'));
    } finally {
      await checkpoint.close();
    }
    assert.deepEqual(await folders(), before);
  });
});
