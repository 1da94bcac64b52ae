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
  it('hands on a JPEG that needs nothing as it is, so that its caption is the same', async () => {
    const { jpeg, width, height } = await prepareFrame(porch, { maxSide: 640 });
    assert.deepEqual([width, height], [640, 480]);
    assert.deepEqual(Buffer.from(jpeg ?? []), porch);
  });

  it('turns a picture upright, and strips what else the file tells', async () => {
    const turned = readFileSync(fixture('goldens/preprocess/exif6.jpg'));
    const before = await sharp(turned).metadata();
    const { jpeg, width, height } = await prepareFrame(turned);
    const after = await sharp(jpeg).metadata();
    assert.equal(before.orientation, 6);
    assert.deepEqual(
      [width, height, after.width, after.height],
      [before.height, before.width, before.height, before.width],
    );
    const owned = await sharp(porch)
      .withExif({ IFD0: { Artist: 'somebody' } })
      .jpeg()
      .toBuffer();
    for (const bytes of [jpeg, (await prepareFrame(owned)).jpeg]) {
      const { exif, orientation } = await sharp(bytes).metadata();
      assert.deepEqual([exif, orientation], [undefined, undefined]);
    }
  });

  it('makes a JPEG of any other picture', async () => {
    const png = await sharp(porch).png().toBuffer();
    assert.equal((await sharp((await prepareFrame(png)).jpeg).metadata()).format, 'jpeg');
  });

  it('lifts a picture of the night, of any size and shape, and leaves the day alone', async () => {
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

  it('takes a person for a change, and noise for none', async () => {
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
