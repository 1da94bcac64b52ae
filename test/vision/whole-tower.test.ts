import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeEmulatedTower } from '../../src/cli/bench/emulator/emulated-stage';
import { readModelConfigs } from '../../src/model/checkpoint/checkpoint';
import { assembleVisionTower } from '../../src/vision/open-vision-tower';
import type { TileEncoder } from '../../src/vision/vision-tower';
import { EmulatedNpu } from '../backends/rknn/emulated-npu';
import { cosine } from '../cosine';
import { fixture } from '../fixtures';
import { goldenTensors } from '../model/safetensors/safetensors-fixture';
import { goldenActivations } from './tiny-tower';

const tiny = fixture('goldens', 'tiny-idefics3');

describe('a tower that is one file', function () {
  this.timeout(60_000);
  let npu: EmulatedNpu;
  let dir: string;
  let tower: TileEncoder;
  let close: () => Promise<void>;

  before(async () => {
    npu = await EmulatedNpu.create();
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-tower-'));
    const source = goldenTensors('tiny-idefics3', 'model');
    const { config } = await readModelConfigs(tiny);
    const stage = await writeEmulatedTower(dir, config, source);
    const manifest = { target: 'rk3588', residualScale: 1, stages: [stage] } as const;
    const backend = await npu.open();
    tower = await assembleVisionTower({ dir, manifest }, source, config, backend);
    close = async () => {
      await tower.close();
      await backend.close();
    };
  });
  after(async () => {
    await close();
    assert.deepEqual(await npu.violations(), []);
    await npu.remove();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(() => npu.faults());

  it('computes the goldens’ rows from the picture’s bytes, with its tiles distributed over the cores', async () => {
    const golden = goldenActivations();
    const which = [0, 1, 0];
    const pixels = await Promise.all(which.map((tile) => golden.tile('pixel_values', tile)));
    const seen: string[] = [];
    const { rows, tiles, rowsPerTile, width } = await tower.encode(pixels, {
      onProgress: ({ done, total, stage, core }) => void seen.push(`${done}/${total} ${stage} ${core}`),
    });
    assert.equal(tiles, 3);
    for (const [tile, of] of which.entries()) {
      const block = rows.subarray(tile * rowsPerTile * width, (tile + 1) * rowsPerTile * width);
      const expected = await golden.tile('connector', of);
      assert.ok(cosine(block, expected) >= 0.9999, `tile ${tile}: ${cosine(block, expected)}`);
    }
    assert.deepEqual(
      seen.map((line) => line.slice(0, -2)),
      ['1/3 vision', '2/3 vision', '3/3 vision'],
    );
    assert.deepEqual(seen.map((line) => line.slice(-1)).sort(), ['0', '1', '2']);
  });

  it('fails as a whole when one tile fails, and works for the next picture', async () => {
    const pixels = await goldenActivations().tile('pixel_values', 0);
    await npu.faults('run -1');
    await assert.rejects(tower.encode([pixels, pixels]), { code: 'backend-rknn-call' });
    await npu.faults();
    assert.equal((await tower.encode([pixels])).tiles, 1);
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(tower.encode([pixels], { signal }), /too late/);
    await assert.rejects(tower.encode([new Float32Array(7)]), { code: 'vision-tile-size' });
  });
});
