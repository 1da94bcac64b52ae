import assert from 'node:assert/strict';
import sharp from 'sharp';
import { pictureDimensions } from '../../src/picture/picture-dimensions';

const size = { width: 300, height: 170 };
const drawn = (): sharp.Sharp => sharp({ create: { ...size, channels: 3, background: 'teal' } });

describe('dimensions of a picture', () => {
  const encoders: Record<string, () => Promise<Buffer>> = {
    JPEG: () => drawn().jpeg().toBuffer(),
    'a progressive JPEG with metadata': () =>
      drawn().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
    PNG: () => drawn().png().toBuffer(),
    GIF: () => drawn().gif().toBuffer(),
    WebP: () => drawn().webp().toBuffer(),
    'a lossless WebP': () => drawn().webp({ lossless: true }).toBuffer(),
    'a WebP with metadata': () => drawn().webp().withMetadata().toBuffer(),
    AVIF: () => drawn().avif({ effort: 0 }).toBuffer(),
    TIFF: () => drawn().tiff().toBuffer(),
  };
  for (const [name, encode] of Object.entries(encoders)) {
    it(`are read from the header of ${name}`, async () => {
      const bytes = await encode();
      assert.deepEqual(pictureDimensions(bytes), size);
    });

    it(`are those of ${name} or unknown when it is cut short`, async () => {
      const bytes = await encode();
      for (let length = 0; length < Math.min(bytes.length, 700); length++) {
        const found = pictureDimensions(bytes.subarray(0, length));
        if (found) assert.deepEqual(found, size);
      }
    });
  }

  it('are read from a part of an MJPEG stream', async () => {
    const jpeg = await drawn().jpeg().toBuffer();
    const part = Buffer.concat([Buffer.from('--frame\r\nContent-Type: image/jpeg\r\n\r\n'), jpeg]);
    assert.deepEqual(pictureDimensions(part), size);
  });

  it('are unknown for other bytes', () => {
    for (const text of [
      '',
      '<html>',
      'BM',
      '\xff\xd8\xff\xda....',
      'II*\0\xff\xff\xff\x7f',
      '....ftypavif',
    ]) {
      assert.equal(pictureDimensions(Buffer.from(text, 'latin1')), undefined);
    }
  });
});
