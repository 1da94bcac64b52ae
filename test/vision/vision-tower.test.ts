import assert from 'node:assert/strict';
import type { ImageFeatures } from '../../src/vision/image-features';
import { cosine } from '../cosine';
import { assertAgrees, relativeError } from './agreement';
import { goldenActivations, openTinyTower, type TinyTowerOptions } from './tiny-tower';

const golden = goldenActivations();

interface Encoded {
  readonly features: ImageFeatures;
  /** By name, then tile. */
  readonly activations: ReadonlyMap<string, readonly Float32Array[]>;
}

async function encode(options: TinyTowerOptions, tileIndices: readonly number[] = [0, 1]): Promise<Encoded> {
  const opened = await openTinyTower(options);
  try {
    const activations = new Map<string, Float32Array[]>();
    const tiles = await Promise.all(tileIndices.map((index) => golden.tile('pixel_values', index)));
    const features = await opened.tower.encode(tiles, {
      activations: (name, tile, values) => {
        const seen = activations.get(name) ?? [];
        seen[tile] = Float32Array.from(values);
        activations.set(name, seen);
      },
    });
    return { features, activations };
  } finally {
    await opened.close();
  }
}

describe('VisionTower whose patches do not divide its tile', () => {
  it('leaves out the rest of the tile, like the reference', async () => {
    const reference = goldenActivations('odd-patches');
    for (const hostGraphs of [true, false]) {
      const opened = await openTinyTower({ checkpoint: 'odd-patches', hostGraphs });
      try {
        const observed: string[] = [];
        const compared: Promise<void>[] = [];
        const { rowsPerTile } = await opened.tower.encode([await reference.tile('pixel_values', 0)], {
          activations: (name, _tile, values) => {
            observed.push(name);
            const copy = Float32Array.from(values);
            compared.push(reference.tile(name, 0).then((expected) => assertAgrees(name, copy, expected)));
          },
        });
        await Promise.all(compared);
        assert.equal(rowsPerTile, 4);
        assert.deepEqual([observed.length, observed[0], observed.at(-1)], [7, 'embeddings', 'connector']);
      } finally {
        await opened.close();
      }
    }
  });
});

describe('VisionTower with the golden checkpoint', function () {
  this.timeout(30_000);

  describe('as 24 float32 stages', () => {
    let encoded: Encoded;
    before(async () => {
      encoded = await encode({});
    });

    const names = Array.from({ length: 12 }, (_, layer) => [`l${layer}_attn`, `l${layer}_mlp`]).flat();
    for (const name of ['embeddings', ...names, 'post_layernorm', 'connector']) {
      it(`agrees with the reference at ${name}`, async () => {
        for (const tile of [0, 1]) {
          const values = encoded.activations.get(name)?.[tile];
          assert.ok(values, `${name} was not observed for tile ${tile}`);
          assertAgrees(`${name}, tile ${tile}`, values, await golden.tile(name, tile));
        }
      });
    }

    it('returns the connector rows in prompt order', () => {
      const { tiles, rowsPerTile, width, rows } = encoded.features;
      assert.deepEqual({ tiles, rowsPerTile, width }, { tiles: 2, rowsPerTile: 64, width: 48 });
      const second = encoded.activations.get('connector')?.[1];
      assert.deepEqual(rows.subarray(64 * 48), second);
    });
  });

  it('computes the same as one graph and layer by layer', async () => {
    for (const granularity of ['tower', 'layer'] as const) {
      const { features } = await encode({ granularity }, [1]);
      assertAgrees(granularity, features.rows, await golden.tile('connector', 1));
    }
  });

  it('computes both projections in JavaScript if the bundle has no graphs for them', async () => {
    const { activations } = await encode({ hostGraphs: false }, [1]);
    for (const name of ['embeddings', 'connector']) {
      assertAgrees(name, activations.get(name)![0]!, await golden.tile(name, 1));
    }
  });

  it('stays close in int8', async () => {
    const { activations } = await encode({ precision: 'int8' }, [1]);
    const reference = await golden.tile('post_layernorm', 1);
    const angle = cosine(activations.get('post_layernorm')![0]!, reference);
    assert.ok(angle >= 0.995, `cosine ${angle}`);
    assert.ok(angle < 0.9999999, 'int8 must differ from float32');
  });

  for (const [fault, shape] of [
    ['a layer norm epsilon of 1e-2', { layerNormEps: 1e-2 }],
    ['the sigmoid approximation of GELU', { hiddenAct: 'quick_gelu' }],
    ['another number of heads', { heads: 8 }],
  ] as const) {
    it(`would notice ${fault}`, async () => {
      const { activations } = await encode({ shape }, [0]);
      let worst = 0;
      let lowest = 1;
      for (const [name, [values]] of activations) {
        const reference = await golden.tile(name, 0);
        worst = Math.max(worst, relativeError(values!, reference));
        lowest = Math.min(lowest, cosine(values!, reference));
      }
      assert.ok(worst > 2e-3 || lowest < 0.99999, `error ${worst}, cosine ${lowest}`);
    });
  }

  it('refuses a tile of another size', async () => {
    const opened = await openTinyTower({ granularity: 'tower' });
    try {
      await assert.rejects(opened.tower.encode([new Float32Array(7)]), {
        code: 'vision-tile-size',
        message: 'tile 0: expected 49152 values (channels × height × width), received 7',
      });
    } finally {
      await opened.close();
    }
  });

  it('stops between two stages when it is aborted', async () => {
    const opened = await openTinyTower();
    try {
      const abort = new AbortController();
      const done: string[] = [];
      const encoding = opened.tower.encode([await golden.tile('pixel_values', 0)], {
        signal: abort.signal,
        onProgress: ({ stage, done: count, total }) => {
          done.push(`${stage} ${count}/${total}`);
          if (stage === 'l1_attn') abort.abort(new Error('no longer wanted'));
        },
      });
      await assert.rejects(encoding, { message: 'no longer wanted' });
      assert.deepEqual(done, ['l0_attn 1/24', 'l0_mlp 2/24', 'l1_attn 3/24']);
    } finally {
      await opened.close();
    }
  });
});
