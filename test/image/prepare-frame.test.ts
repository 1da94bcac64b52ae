import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { prepareFrame } from '../../src/image/prepare-frame';
import { hammingDistance } from '../../src/picture/prepared-frame';
import { demoFrame, fixture } from '../fixtures';

const porch = readFileSync(demoFrame('frame_05_porch_day.jpg'));
const garden = readFileSync(demoFrame('frame_07_garden_day.jpg'));
const night = readFileSync(demoFrame('frame_10_street_night.jpg'));

const plain = (width: number, height: number, level: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: level, g: level, b: level } } })
    .jpeg()
    .toBuffer();
const mean = async (bytes: Uint8Array = Buffer.of()): Promise<number> =>
  (await sharp(bytes).greyscale().stats()).channels[0]?.mean ?? 0;

describe('prepareFrame', () => {
  it('keeps the pixels of a JPEG that needs no change, so that its caption is the same', async () => {
    const { jpeg, width, height } = await prepareFrame(porch, { maxSide: 640 });
    assert.deepEqual([width, height], [640, 480]);
    assert.deepEqual(Buffer.from(jpeg ?? []), porch);
  });

  it('turns a picture upright that is not', async () => {
    const turned = readFileSync(fixture('goldens/preprocess/exif6.jpg'));
    const before = await sharp(turned).metadata();
    const { jpeg, width, height } = await prepareFrame(turned);
    const after = await sharp(jpeg).metadata();
    assert.equal(before.orientation, 6);
    assert.deepEqual(
      [width, height, after.width, after.height],
      [before.height, before.width, before.height, before.width],
    );
    assert.deepEqual([after.exif, after.orientation], [undefined, undefined]);
  });

  it('leaves out what else a file contains, in every format', async () => {
    const exif = { IFD0: { Artist: 'SERIAL-0815', Orientation: '1' } };
    const icc = 'p3';
    for (const owned of [
      await sharp(porch).withExif(exif).withIccProfile(icc).jpeg().toBuffer(),
      await sharp(porch).withExif(exif).withIccProfile(icc).png().toBuffer(),
      await sharp(porch).withExif(exif).withXmp('<x:xmpmeta>SERIAL-0815</x:xmpmeta>').webp().toBuffer(),
      await sharp(porch).withExif(exif).tiff().toBuffer(),
      readFileSync(fixture('pictures/comment-app15-trailer.jpg')),
    ]) {
      const jpeg = Buffer.from((await prepareFrame(owned)).jpeg ?? []);
      const metadata = await sharp(jpeg).metadata();
      assert.equal(metadata.format, 'jpeg');
      for (const kind of ['exif', 'xmp', 'iptc', 'icc', 'comments', 'orientation'] as const) {
        assert.equal(metadata[kind], undefined, kind);
      }
      for (const text of ['SERIAL-0815', 'DS-2CD0', 'CamCorp', 'ICC_PROFILE'])
        assert.ok(!jpeg.includes(text));
    }
  });

  it('brightens a night picture of any size and shape, and leaves a day picture alone', async () => {
    const lifted = await prepareFrame(night, { normalise: 'night' });
    assert.ok((await mean(lifted.jpeg)) > 1.5 * (await mean(night)));
    const contrast = await prepareFrame(porch, { normalise: 'contrast' });
    const day = await prepareFrame(porch, { normalise: 'night' });
    assert.deepEqual(day.jpeg, contrast.jpeg);
    for (const [width, height, maxSide] of [
      [1, 1, 16],
      [8000, 100, 320],
      [3000, 2000, 8192],
    ] as const) {
      const { jpeg } = await prepareFrame(await plain(width, height, 20), { normalise: 'night', maxSide });
      assert.ok(jpeg);
    }
  });

  it('reports a person as a change, and noise as none', async () => {
    for (const frame of [porch, garden, night]) {
      const { differenceHash } = await prepareFrame(frame);
      const bitsOf = async (bytes: Buffer): Promise<number> =>
        hammingDistance(differenceHash, (await prepareFrame(bytes)).differenceHash);
      const { data, info } = await sharp(frame).raw().toBuffer({ resolveWithObject: true });
      // The same noise each time: the outcome of a test is not left to chance.
      let seed = 1;
      const noisy = data.map((value) => {
        seed = (seed * 48271) % 2147483647;
        return Math.max(0, Math.min(255, value + (seed % 15) - 7));
      });
      const compressed = await sharp(noisy, { raw: info }).jpeg({ quality: 70 }).toBuffer();
      const [height, left] = [180, 300];
      const person = await sharp({
        create: { width: 70, height, channels: 3, background: { r: 60, g: 50, b: 110 } },
      })
        .png()
        .toBuffer();
      const visited = await sharp(frame)
        .composite([{ input: person, left, top: 460 - height }])
        .jpeg()
        .toBuffer();
      assert.ok((await bitsOf(compressed)) <= 10);
      assert.ok((await bitsOf(visited)) > 10);
    }
  });
});
