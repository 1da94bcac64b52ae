import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from '../../../src/cli/inspect/activations';
import { readSettings } from '../../../src/system/settings';
import { fixture } from '../../fixtures';
import { readSafetensorsFixture } from '../../model/safetensors/safetensors-fixture';
import { assertAgrees } from '../../vision/agreement';
import { goldenActivations } from '../../vision/tiny-tower';

const tiny = fixture('goldens', 'tiny-idefics3');

describe('smolvlm inspect activations', function () {
  this.timeout(60_000);
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'smolvlm-inspect-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  async function run(values: Record<string, string>): Promise<unknown> {
    let document: unknown;
    const io = {
      json: true,
      result: (given: unknown) => {
        document = given;
      },
      log: () => undefined,
      progress: () => undefined,
      signal: new AbortController().signal,
    };
    const status = await command.run(values, [], io, readSettings());
    assert.equal(status, 0);
    return document;
  }

  it('writes the reference’s activations of the golden photo, starting from the picture’s bytes', async () => {
    const out = join(dir, 'out.safetensors');
    const image = join(tiny, 'coffee_640x427.jpg');
    const document = await run({ model: tiny, image, detail: 'full', out });
    const names = Array.from({ length: 12 }, (_, layer) => [`l${layer}_attn`, `l${layer}_mlp`]).flat();
    const activations = ['embeddings', ...names, 'post_layernorm', 'connector'];
    assert.deepEqual(document, { out, tiles: 13, activations });
    const written = readSafetensorsFixture(out);
    const golden = goldenActivations();
    for (const name of activations) {
      const shape = written.shape(name);
      assert.deepEqual(shape, name === 'connector' ? [13, 64, 48] : [13, 1024, 64]);
      const size = shape[1]! * shape[2]!;
      for (const [tile, goldenTile] of [
        [0, 0],
        [12, 1],
      ] as const) {
        const values = written.values(name).subarray(tile * size, (tile + 1) * size);
        assertAgrees(`${name}, tile ${tile}`, values, await golden.tile(name, goldenTile));
      }
    }
  });

  it('refuses an unknown precision as a usage error', async () => {
    const values = { model: tiny, image: 'x', out: 'y', precision: 'int2' };
    await assert.rejects(run(values), { code: 'usage', message: /--precision: expected int8 or float32/ });
  });
});
