import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { decodePicture } from '../../src/image/decode-picture';
import { differenceHash, frameHash } from '../../src/image/frame-hash';
import { prepareFrame } from '../../src/image/prepare-frame';
import type { RgbImage } from '../../src/image/rgb-image';
import { hammingDistance } from '../../src/picture/prepared-frame';
import { demoFrame, fixture } from '../fixtures';

const frame = readFileSync(demoFrame('frame_05_porch_day.jpg'));

function pixel({ width, data }: RgbImage, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function near(actual: readonly number[], expected: readonly number[], by: number): void {
  assert.ok(
    actual.every((value, index) => Math.abs(value - (expected[index] as number)) <= by),
    `${actual} is not near ${expected}`,
  );
}

/** A PNG that declares a size and contains one row of it. */
function pngHeader(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(data.length, 0);
    bytes.write(type, 4, 'latin1');
    data.copy(bytes, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
    return bytes;
  };
  const header = Buffer.from('0000000000000000' + '0802000000', 'hex');
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(width * 3 + 1))),
  ]);
}

const red = { width: 8, height: 6, channels: 3, background: '#d02010' } as const;

describe('decodePicture', () => {
  it('decodes the same pixels for a JPEG and its lossless PNG, WebP and TIFF', async () => {
    const image = await decodePicture(frame);
    assert.deepEqual([image.width, image.height, image.data.length], [640, 480, 640 * 480 * 3]);
    for (const bytes of [
      await sharp(frame).png().toBuffer(),
      await sharp(frame).webp({ lossless: true }).toBuffer(),
      await sharp(frame).tiff({ compression: 'lzw' }).toBuffer(),
    ]) {
      assert.equal(frameHash(await decodePicture(bytes)), frameHash(image));
    }
  });

  it('turns a picture upright', async () => {
    const upright = await decodePicture(readFileSync(fixture('goldens/preprocess/exif6.jpg')));
    assert.deepEqual([upright.width, upright.height], [480, 320]);
  });

  it('decodes CMYK to RGB', async () => {
    const cmyk = await sharp({ create: red }).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    assert.equal((await sharp(cmyk).metadata()).space, 'cmyk');
    const [r = 0, g = 0, b = 0] = pixel(await decodePicture(cmyk), 3, 3);
    assert.ok(r > 150 && g < 110 && b < 110, `${[r, g, b]}`);
  });

  it('decodes 16-bit pictures to 8 bits', async () => {
    const deep = await sharp({ create: red }).toColourspace('rgb16').png().toBuffer();
    assert.equal((await sharp(deep).metadata()).depth, 'ushort');
    near(pixel(await decodePicture(deep), 3, 3), [0xd0, 0x20, 0x10], 1);
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(8 * 6 * 3, 200), Buffer.alloc(8 * 6 * 3, 20)]);
    const raw = { width: 8, height: 12, channels: 3, pageHeight: 6 } as const;
    const gif = await sharp(frames, { raw })
      .gif({ delay: [50, 50] })
      .toBuffer();
    assert.equal((await sharp(gif).metadata()).pages, 2);
    const image = await decodePicture(gif);
    assert.deepEqual([image.width, image.height], [8, 6]);
    near(pixel(image, 4, 3), [200, 200, 200], 8);
  });

  it('decodes grey and transparent pictures to three channels, on black', async () => {
    const half = Buffer.from([200, 128, 100, 255]);
    const grey = await sharp(half, { raw: { width: 2, height: 1, channels: 2 } })
      .png()
      .toBuffer();
    const image = await decodePicture(grey);
    near(pixel(image, 0, 0), [100, 100, 100], 1);
    near(pixel(image, 1, 0), [100, 100, 100], 1);
  });

  it('burns masks in before it crops: no masked pixel remains', async () => {
    const white = await sharp({ create: { ...red, width: 100, height: 100, background: '#fff' } })
      .png()
      .toBuffer();
    const masks = [
      [
        [0, 0],
        [0.5, 0],
        [0.5, 1],
        [0, 1],
      ],
    ] as const;
    const crop = { x: 0.4, y: 0.2, width: 0.2, height: 0.5 };
    const image = await decodePicture(white, { masks, crop });
    assert.deepEqual([image.width, image.height], [20, 50]);
    assert.deepEqual(pixel(image, 9, 0), [0, 0, 0]);
    assert.deepEqual(pixel(image, 11, 49), [255, 255, 255]);
  });

  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="file:///etc/passwd"/></svg>';
  const refusals: [string, Uint8Array, string, RegExp][] = [
    ['0 bytes', new Uint8Array(), 'image-empty', /received 0 bytes/],
    ['text', Buffer.from('Error 503: camera busy'), 'image-text', /received text: "Error 503: camera busy"/],
    ['JSON', Buffer.from('{"status":"offline"}'), 'image-text', /offline/],
    [
      'a login page',
      Buffer.from('<!DOCTYPE html><html><title> Camera login </title>'),
      'image-html',
      /titled "Camera login"/,
    ],
    ['a page without a title', Buffer.from('\n<html><body>no'), 'image-html', /received a web page$/],
    ['an SVG with an external reference', Buffer.from(svg), 'image-svg', /refer to other files/],
    ['an SVG after its XML header', Buffer.from(`<?xml version="1.0"?><!-- x -->${svg}`), 'image-svg', /SVG/],
    [
      'a truncated JPEG',
      frame.subarray(0, 30_000),
      'image-truncated',
      /JPEG ends too early, after 30000 bytes/,
    ],
    [
      'a truncated PNG',
      readFileSync(fixture('goldens/preprocess/moon_gray.png')).subarray(0, 9000),
      'image-truncated',
      /PNG ends too early/,
    ],
    ['a PNG of 20,000 × 20,000', pngHeader(20_000, 20_000), 'image-pixels', /more than 64000000 pixels/],
    ['a BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]), 'image-unsupported', /BMP/],
    [
      'a HEIC',
      Buffer.concat([Buffer.from('\0\0\0\x18ftypheic'), Buffer.alloc(60)]),
      'image-unsupported',
      /HEIC/,
    ],
    ['an icon', Buffer.from('00000100010010100000', 'hex'), 'image-unsupported', /received an icon/],
    ['a ZIP archive', Buffer.from('504b03041400', 'hex'), 'image-unsupported', /received a ZIP archive/],
    [
      'a JPEG whose bytes became two each',
      Buffer.from(frame.toString('latin1'), 'utf8'),
      'image-text',
      /a JPEG that was read as text/,
    ],
    [
      'a JPEG whose bytes became question marks',
      Buffer.from(frame.map((byte) => (byte < 128 ? byte : 0x3f))),
      'image-text',
      /a JPEG that was read as text/,
    ],
    [
      'other bytes',
      Buffer.from('00010203040506070809', 'hex'),
      'image-unsupported',
      /10 bytes that start with 0001020304050607/,
    ],
    [
      'noise behind a PNG signature',
      Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(50, 7)]),
      'image-corrupt',
      /PNG of 58 bytes cannot be read/,
    ],
  ];
  for (const brand of ['mif1', 'avis']) {
    it(`reads an AVIF whose major brand is ${brand}`, async () => {
      const avif = await sharp(frame).resize(64, 48).avif({ quality: 30 }).toBuffer();
      const { data } = await decodePicture(avif);
      avif.write(brand, 8, 'latin1');
      assert.ok(Buffer.from(data).equals(Buffer.from((await decodePicture(avif)).data)));
      assert.equal((await prepareFrame(avif)).width, 64);
    });
  }

  it('reads a BigTIFF', async () => {
    const tiff = await sharp(frame).resize(64, 48).tiff({ bigtiff: true }).toBuffer();
    assert.equal((await decodePicture(tiff)).width, 64);
  });

  for (const [name, bytes, code, message] of refusals) {
    it(`names ${name}`, async () => {
      await assert.rejects(
        decodePicture(bytes),
        (error: { code: string; message: string; hint?: string }) => {
          assert.match(error.message, message);
          assert.equal(error.code, code);
          assert.ok(error.hint);
          return true;
        },
      );
    });
  }

  it('refuses a picture above the limits before it is decoded', async () => {
    const limits = { maxBytes: 1000, maxPixels: 1000, fetchTimeoutMs: 1000 };
    await assert.rejects(decodePicture(frame, { limits }), {
      code: 'image-too-large',
      message: /limit is 1000/,
    });
    const limited = { ...limits, maxBytes: 1_000_000 };
    await assert.rejects(decodePicture(frame, { limits: limited }), { code: 'image-pixels' });
  });

  for (const [crop, fault] of [
    [{ x: 0.5, y: 0, width: 0, height: 1 }, 'has no pixel of'],
    [{ x: 0.5, y: 0, width: 0.6, height: 1 }, 'reaches beyond'],
    [{ x: Number.NaN, y: 0, width: 1, height: 1 }, 'reaches beyond'],
  ] as const) {
    it(`refuses the crop ${JSON.stringify(crop)}, and says what is wrong with it`, async () => {
      await assert.rejects(decodePicture(frame, { crop }), {
        code: 'image-crop',
        message: `the crop ${JSON.stringify(crop)} ${fault} the picture of 640×480`,
      });
    });
  }
});

describe('differenceHash', () => {
  it('changes little with compression and much with the scene', async () => {
    const hash = async (bytes: Buffer) => differenceHash(await decodePicture(bytes));
    const porch = await hash(frame);
    assert.match(porch, /^[0-9a-f]{128}$/);
    assert.ok(hammingDistance(porch, await hash(await sharp(frame).jpeg({ quality: 40 }).toBuffer())) <= 10);
    assert.ok(hammingDistance(porch, await hash(readFileSync(demoFrame('frame_09_street_day.jpg')))) > 60);
    assert.equal(hammingDistance('0000000000000000', 'ffffffffffffffff'), 64);
  });
});
