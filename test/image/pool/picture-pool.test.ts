import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import sharp from 'sharp';
import { PicturePool } from '../../../src/image/pool/picture-pool';
import { isLargePicture } from '../../../src/image/pool/picture-size';
import { preparePicture } from '../../../src/image/pool/prepare-picture';
import { demoFrame } from '../../fixtures';
import { channelName, type HeldPicture } from './held-pictures';

const settings = { longestEdge: 2048, maxImageSize: 512 };
const options = { settings, detail: 'full' } as const;
const { signal } = new AbortController();
const small = { large: false, priority: 0, signal };
const large = { large: true, priority: 0, signal };

describe('PicturePool', () => {
  let channel: BroadcastChannel;
  let pool: PicturePool;
  let begun: number[];
  let onBegun: () => void;

  beforeEach(() => {
    begun = [];
    onBegun = () => {};
    channel = new BroadcastChannel(channelName);
    channel.onmessage = (event) => {
      const { name, what } = (event as { readonly data: HeldPicture }).data;
      if (what !== 'begun') return;
      begun.push(name);
      onBegun();
    };
  });
  afterEach(async () => {
    channel.close();
    await pool?.close();
  });

  const held = (threads: number): void => {
    pool = new PicturePool({ threads, program: join(__dirname, 'held-pictures.js') });
  };
  const prepare = (name: number, task: typeof small): Promise<number> =>
    pool.prepare(Uint8Array.of(name), options, task).then(({ width }) => width);
  const tell = (name: number, what: HeldPicture['what']): void => channel.postMessage({ name, what });
  const untilBegun = async (count: number): Promise<void> => {
    while (begun.length < count) await new Promise<void>((resolve) => (onBegun = resolve));
  };

  it('prepares small pictures while a large one takes its time', async () => {
    held(2);
    const first = prepare(1, large);
    await untilBegun(1);
    for (const name of [2, 3, 4]) {
      const next = prepare(name, small);
      await untilBegun(name);
      tell(name, 'end');
      assert.equal(await next, name);
    }
    tell(1, 'end');
    assert.equal(await first, 1);
  });

  it('prepares one large picture at a time, the one of the highest priority next', async () => {
    held(4);
    const all = [prepare(1, large), prepare(2, large), prepare(3, { ...large, priority: 10 })];
    const other = prepare(4, small);
    await untilBegun(2);
    assert.deepEqual([...begun].sort(), [1, 4]);
    tell(1, 'end');
    await all[0];
    await untilBegun(3);
    assert.equal(begun[2], 3);
    tell(3, 'end');
    await untilBegun(4);
    for (const name of [2, 4]) tell(name, 'end');
    assert.deepEqual(await Promise.all([...all, other]), [1, 2, 3, 4]);
  });

  it('prepares no more pictures at a time than it has threads', async () => {
    held(2);
    const all = [1, 2, 3, 4].map((name) => prepare(name, { ...small, priority: name }));
    await untilBegun(2);
    assert.deepEqual([...begun].sort(), [1, 2]);
    tell(2, 'end');
    await untilBegun(3);
    assert.equal(begun[2], 4);
    tell(4, 'end');
    await untilBegun(4);
    for (const name of [1, 3]) tell(name, 'end');
    assert.deepEqual(await Promise.all(all), [1, 2, 3, 4]);
  });

  it('gives up a picture whose request ends before a thread is free', async () => {
    held(1);
    const abort = new AbortController();
    const first = prepare(1, small);
    const leaving = prepare(2, { ...small, signal: abort.signal });
    const leavingLarge = [5, 6].map((name) => prepare(name, { ...large, signal: abort.signal }));
    abort.abort(new Error('left'));
    for (const each of [leaving, ...leavingLarge]) await assert.rejects(each, /left/);
    await untilBegun(1);
    tell(1, 'end');
    assert.equal(await first, 1);
    const next = prepare(3, small);
    await untilBegun(2);
    tell(3, 'end');
    assert.equal(await next, 3);
    assert.deepEqual(begun, [1, 3]);
  });

  it('fails one picture when a thread ends, and starts another thread for the next', async () => {
    held(1);
    const all = [prepare(1, small), prepare(2, small)];
    const lost = assert.rejects(all[0] ?? Promise.resolve(), { code: 'image-thread-lost' });
    await untilBegun(1);
    tell(1, 'crash');
    await lost;
    await untilBegun(2);
    tell(2, 'end');
    assert.equal(await all[1], 2);
  });

  it('prepares a picture as this thread does, and names what is wrong with one', async () => {
    pool = new PicturePool();
    const bytes = readFileSync(demoFrame('frame_01_driveway_day.jpg'));
    const all = {
      ...options,
      masks: [[[0, 0] as const, [0.5, 0] as const, [0, 0.5] as const]],
      thumbnailSide: 64,
    };
    const picture = await pool.prepare(bytes, all, small);
    assert.deepEqual(picture, await preparePicture(bytes, all));
    assert.equal(picture.tiles?.length, 13 * 512 * 512 * 3);
    const known = await pool.prepare(bytes, { ...all, known: [picture.hash] }, small);
    assert.equal(known.tiles, undefined);
    await assert.rejects(pool.prepare(Buffer.from('<html>'), options, small), { code: 'image-html' });
  });

  it('counts pictures larger than a 4K camera’s frame as large, by their header', async () => {
    pool = new PicturePool();
    const picture = (width: number, height: number): Promise<Buffer> =>
      sharp({ create: { width, height, channels: 3, background: 'black' } })
        .png()
        .toBuffer();
    assert.equal(await isLargePicture(await picture(3840, 2160)), false);
    assert.equal(await isLargePicture(await picture(3840, 2161)), true);
    assert.equal(await isLargePicture(Buffer.from('not a picture')), false);
    const animated = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'red' } })
      .avif({ quality: 30 })
      .toBuffer();
    animated.write('avis', 8, 'latin1');
    const ispe = animated.indexOf('ispe');
    animated.writeUInt32BE(8000, ispe + 8);
    animated.writeUInt32BE(8000, ispe + 12);
    assert.equal(await isLargePicture(animated), true, 'an animated AVIF');
  });
});
