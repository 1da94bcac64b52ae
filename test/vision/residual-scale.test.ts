import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VisionBackend } from '../../src/backends/stage-runner';
import { describeBundleFile } from '../../src/model/bundle/bundle-file';
import { readModelConfigs } from '../../src/model/checkpoint/checkpoint';
import { assembleVisionTower } from '../../src/vision/open-vision-tower';
import { fixture } from '../fixtures';
import { goldenTensors } from '../model/safetensors/safetensors-fixture';
import { goldenActivations } from './tiny-tower';

const checkpointDir = fixture('goldens', 'tiny-idefics3');

describe('VisionTower with a scaled residual stream', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-scale-'));
    await writeFile(join(dir, 'l0_attn.rknn'), 'a shard');
  });
  after(() => rm(dir, { recursive: true, force: true }));

  /** Encodes one tile with a single stage that changes nothing. */
  async function encode(residualScale: number) {
    const { config } = await readModelConfigs(checkpointDir);
    const host = goldenTensors('tiny-idefics3', 'model');
    const tensor = { name: 'in', dtype: 'float32', shape: [1, 1024, 64] } as const;
    const file = await describeBundleFile(dir, 'l0_attn.rknn');
    const stage = {
      name: 'l0_attn',
      file,
      precision: 'fp16',
      core: 0,
      input: tensor,
      output: tensor,
    } as const;
    let entered: Float32Array | undefined;
    const backend: VisionBackend = {
      name: 'pass-through',
      openStage: async () => ({
        stage,
        run: async (input) => {
          entered = Float32Array.from(input);
          return input;
        },
        close: async () => undefined,
      }),
      close: async () => undefined,
    };
    const manifest = { target: 'rk3588', residualScale, stages: [stage] } as const;
    const tower = await assembleVisionTower({ dir, manifest }, host, config, backend);
    const seen = new Map<string, Float32Array>();
    const { rows } = await tower.encode([await goldenActivations().tile('pixel_values', 0)], {
      activations: (name, _tile, values) => seen.set(name, Float32Array.from(values)),
    });
    await tower.close();
    return { entered: entered!, rows, seen };
  }

  it('passes the scaled stream to stages; the host, the result and observed activations are unscaled', async () => {
    const [plain, scaled] = [await encode(1), await encode(0.125)];
    assert.deepEqual(
      scaled.entered,
      plain.entered.map((value) => value * 0.125),
    );
    // A power of two is exact, so that nothing else may differ.
    assert.deepEqual(scaled.rows, plain.rows);
    assert.deepEqual(scaled.seen, plain.seen);
    assert.deepEqual(plain.seen.get('l0_attn'), plain.seen.get('embeddings'));
  });
});
