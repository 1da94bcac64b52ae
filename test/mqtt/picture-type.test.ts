import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { pictureType } from '../../src/mqtt/picture-type';
import { demoFrame } from '../fixtures';

describe('pictureType', () => {
  const frame = sharp(readFileSync(demoFrame('frame_09_street_day.jpg'))).resize(32);

  for (const format of ['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const) {
    it(`recognises ${format} by its first bytes`, async () => {
      assert.equal(pictureType(await frame.clone().toFormat(format).toBuffer()), `image/${format}`);
    });
  }

  it('takes unknown bytes for a JPEG', () => {
    assert.equal(pictureType(new Uint8Array()), 'image/jpeg');
    assert.equal(pictureType(new TextEncoder().encode('no picture at all')), 'image/jpeg');
  });
});
