import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { prepareFrame } from '../../src/image/prepare-frame';
import { publishedPicture } from '../../src/mqtt/published-picture';
import { demoFrame, fixture } from '../fixtures';
import { noisePicture } from './picture-server';

describe('publishedPicture', () => {
  it('keeps the pixels of a JPEG and leaves its comment, APP15 segment and trailing bytes out', async () => {
    const original = readFileSync(fixture('pictures', 'comment-app15-trailer.jpg'));
    const published = await publishedPicture(original, Number.POSITIVE_INFINITY, prepareFrame);
    assert.ok(published && !published.isShrunk);
    assert.ok(published.jpeg.byteLength < original.byteLength - 100);
    for (const hidden of ['serial', 'OWNER', 'gps', 'CamCorp']) {
      assert.ok(original.includes(hidden) && !Buffer.from(published.jpeg).includes(hidden), hidden);
    }
    const pixels = (jpeg: Uint8Array): Promise<Buffer> => sharp(jpeg).raw().toBuffer();
    assert.deepEqual(await pixels(published.jpeg), await pixels(original));
  });

  it('makes a JPEG without metadata of any other format', async () => {
    const picture = sharp(readFileSync(demoFrame('frame_05_porch_day.jpg')))
      .resize(64)
      .withExif({ IFD0: { Model: 'SERIAL-0815' } });
    for (const format of ['png', 'webp', 'avif'] as const) {
      const bytes = await picture.clone().toFormat(format).toBuffer();
      assert.ok(bytes.includes('SERIAL-0815'), format);
      const published = await publishedPicture(bytes, Number.POSITIVE_INFINITY, prepareFrame);
      const jpeg = Buffer.from(published?.jpeg ?? []);
      assert.deepEqual([...jpeg.subarray(0, 3)], [0xff, 0xd8, 0xff], format);
      assert.ok(!jpeg.includes('SERIAL-0815') && !jpeg.includes('Exif'), format);
    }
  });

  it('returns the largest of its sizes that is small enough', async () => {
    const picture = await noisePicture(1000);
    for (const limitBytes of [400_000, 100_000, 40_000]) {
      const published = await publishedPicture(picture, limitBytes, prepareFrame);
      assert.ok(published?.isShrunk && published.jpeg.byteLength <= limitBytes, `of ${limitBytes}`);
      const { format, width } = await sharp(published.jpeg).metadata();
      assert.equal(format, 'jpeg');
      assert.ok(width >= 320);
    }
  });

  it('returns nothing if every size is too large', async () => {
    assert.equal(await publishedPicture(await noisePicture(1000), 1_000, prepareFrame), undefined);
  });

  it('rejects bytes that are not a picture', async () => {
    await assert.rejects(publishedPicture(Buffer.from('not a picture'), 1_000, prepareFrame), {
      name: 'ImageError',
    });
  });
});
