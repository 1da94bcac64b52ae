import assert from 'node:assert/strict';
import sharp from 'sharp';
import { prepareFrame } from '../../src/image/prepare-frame';
import { shrinkPicture } from '../../src/mqtt/shrink-picture';
import { noisePicture } from './picture-server';

describe('shrinkPicture', () => {
  it('returns the largest of its sizes that is small enough', async () => {
    const picture = await noisePicture(1000);
    for (const limitBytes of [400_000, 100_000, 40_000]) {
      const shrunk = await shrinkPicture(picture, limitBytes, prepareFrame);
      assert.ok(shrunk && shrunk.byteLength <= limitBytes, `${shrunk?.byteLength} of ${limitBytes}`);
      const { format, width } = await sharp(shrunk).metadata();
      assert.equal(format, 'jpeg');
      assert.ok(width >= 320);
    }
  });

  it('returns nothing for a limit below every size, and for bytes that are not a picture', async () => {
    assert.equal(await shrinkPicture(await noisePicture(1000), 1_000, prepareFrame), undefined);
    assert.equal(await shrinkPicture(Buffer.from('not a picture'), 1_000, prepareFrame), undefined);
  });
});
