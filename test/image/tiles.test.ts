import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { decodePicture } from '../../src/image/decode-picture';
import { prepareTiles, type TileDetail, tileGrid } from '../../src/image/tiles';
import { fixture } from '../fixtures';

interface Golden {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly tiles: number;
  readonly rows: number;
  readonly cols: number;
  readonly tile_sheet: string;
  readonly single: string;
}

const settings = { longestEdge: 2048, maxImageSize: 512 };
const goldens: Golden[] = JSON.parse(readFileSync(fixture('goldens/preprocess/manifest.json'), 'utf8'));

async function differingBytes(golden: Golden, detail: TileDetail, sheet: string): Promise<number> {
  const image = await decodePicture(readFileSync(fixture('goldens/preprocess', golden.file)));
  const { images } = prepareTiles(image, settings, detail);
  const actual = Buffer.concat(images.map((tile) => tile.data));
  const expected = await sharp(fixture('goldens/preprocess', sheet)).removeAlpha().raw().toBuffer();
  assert.equal(actual.length, expected.length);
  let differing = 0;
  for (let at = 0; at < actual.length; at++) if (actual[at] !== expected[at]) differing++;
  return differing;
}

describe('tiles', () => {
  for (const golden of goldens) {
    it(`splits ${golden.file} into the reference's tiles, byte for byte`, async () => {
      const { width, height, rows, cols, tiles } = golden;
      assert.deepEqual(tileGrid(width, height, settings, 'full'), { rows, cols, tiles });
      assert.equal(await differingBytes(golden, 'full', golden.tile_sheet), 0);
    });

    it(`makes the reference's single tile of ${golden.file}, byte for byte`, async () => {
      assert.deepEqual(tileGrid(golden.width, golden.height, settings, 'low'), {
        rows: 0,
        cols: 0,
        tiles: 1,
      });
      assert.equal(await differingBytes(golden, 'low', golden.single), 0);
    });
  }

  it('returns only the global tile when the whole picture fits one', () => {
    const small = { longestEdge: 256, maxImageSize: 256 };
    assert.deepEqual(tileGrid(640, 480, small, 'full'), { rows: 0, cols: 0, tiles: 1 });
  });
});
