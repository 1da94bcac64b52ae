import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { PicturePool } from '../../../src/image/pool/picture-pool';
import type { InferenceHooks } from '../../../src/inference/inference';
import { PhaseTimer } from '../../../src/inference/phase-timer';
import type { FramePicture } from '../../../src/inference/vision/prepare-pictures';
import { VisionEncoder } from '../../../src/inference/vision/vision-encoder';
import { readModelConfigs } from '../../../src/model/checkpoint/checkpoint';
import type { TileEncoder } from '../../../src/vision/vision-tower';
import { demoModel } from '../../fixtures';

/** A tower whose looks the test ends. */
class HeldTower {
  readonly looks: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];

  readonly encode: TileEncoder['encode'] = () =>
    new Promise((resolve, reject) => {
      const features = { tiles: 1, rowsPerTile: 1, width: 1, rows: new Float32Array(1) };
      this.looks.push({ end: () => resolve(features), fail: reject });
    });

  async close(): Promise<void> {}
}

function picture(hash: string): FramePicture {
  const prepared = { width: 8, height: 8, hash, tiles: new Uint8Array(64 * 64 * 3) };
  return { ...prepared, again: async () => prepared };
}

describe('VisionEncoder', () => {
  let tower: HeldTower;
  let sight: VisionEncoder;

  beforeEach(async () => {
    tower = new HeldTower();
    const { imageProcessor } = await readModelConfigs(demoModel);
    sight = new VisionEncoder(
      { tower, cores: 3, npu: 'rknn fp16', fallback: () => undefined },
      imageProcessor,
      new PicturePool(),
    );
  });

  function encode(hash: string, signal = new AbortController().signal) {
    const hooks: InferenceHooks = { signal, onProgress: () => {}, onToken: () => {} };
    return sight.encode(
      [picture(hash)],
      { detail: 'low', priority: 0 },
      { ...hooks, timer: new PhaseTimer() },
    );
  }

  it('encodes a frame once for several requests at the same time', async () => {
    const all = [encode('a'), encode('a'), encode('b'), encode('a')];
    while (tower.looks.length < 2) await turn();
    await turn();
    assert.equal(tower.looks.length, 2);
    for (const { end } of tower.looks) end();
    const [first, second, , fourth] = await Promise.all(all);
    assert.equal(second?.images[0], first?.images[0]);
    assert.equal(fourth?.images[0], first?.images[0]);
  });

  it('encodes again for the next request when encoding failed, and fails only the first', async () => {
    const first = encode('a');
    const second = encode('a');
    while (tower.looks.length < 1) await turn();
    tower.looks[0]?.fail(new Error('cancelled'));
    await assert.rejects(first, /cancelled/);
    while (tower.looks.length < 2) await turn();
    tower.looks[1]?.end();
    assert.equal((await second).tiles, 1);
  });

  it('does not encode for a request that was cancelled while another was encoding', async () => {
    const leaving = new AbortController();
    const first = encode('a');
    const second = encode('a', leaving.signal);
    while (tower.looks.length < 1) await turn();
    leaving.abort(new Error('gone'));
    tower.looks[0]?.fail(new Error('broken'));
    await assert.rejects(first, /broken/);
    await assert.rejects(second, /gone/);
    assert.equal(tower.looks.length, 1);
  });
});
