import assert from 'node:assert/strict';
import { assembleVisionTower } from '../../../src/vision/open-vision-tower';
import { cosine } from '../../cosine';
import { fixture } from '../../fixtures';
import { goldenActivations } from '../../vision/tiny-tower';
import { EmulatedShards, residualScale } from './emulated-shards';

describe('RknnVisionBackend with the golden checkpoint', function () {
  this.timeout(300_000);
  const shards = new EmulatedShards(fixture('goldens', 'tiny-idefics3'));

  it('computes the goldens’ activations with 24 shards, each stage on its core', async () => {
    const { config, tensors } = shards.checkpoint;
    const golden = goldenActivations();
    const pixels = await golden.tile('pixel_values', 0);
    const backend = await shards.npu.open();
    const tower = await assembleVisionTower(
      { dir: shards.dir, manifest: { target: 'rk3588', residualScale, stages: shards.stages } },
      tensors,
      config,
      backend,
    );
    const cosines = new Map<string, number>();
    const pending: Promise<void>[] = [];
    await tower.encode([pixels], {
      activations: (name, _tile, values) => {
        pending.push(
          golden
            .tile(name, 0)
            .then((expected) => void cosines.set(name, cosine(Float32Array.from(values), expected))),
        );
      },
    });
    await Promise.all(pending);
    assert.equal(cosines.size, 24 + 3);
    for (const [name, angle] of cosines) assert.ok(angle >= 0.9999, `${name}: ${angle}`);
    const ran = (await shards.npu.trace()).filter(({ stage }) => stage !== undefined);
    assert.deepEqual(
      ran.map(({ stage, core }) => [stage, core]),
      shards.stages.map(({ name, core }) => [name, core]),
    );
    await tower.close();
    await backend.close();
  });
});
