import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { ImageChild, type ImageChildOptions } from '../../../src/client/children/image-child';
import { demoFrame } from '../../fixtures';
import { ManualClock } from '../../system/manual-clock';
import { useTempFolder } from '../../temp-folder';

const picture = readFileSync(demoFrame('frame_09_street_day.jpg'));

describe('ImageChild', function () {
  this.timeout(30_000);
  const temp = useTempFolder();
  const open: ImageChild[] = [];
  afterEach(() => {
    for (const child of open.splice(0)) child.close();
  });

  function childOf(options: ImageChildOptions = {}): ImageChild {
    const child = new ImageChild(options);
    open.push(child);
    return child;
  }

  /** A program in the image process's place. */
  function worker(script: string): string {
    writeFileSync(temp('worker.js'), script);
    return temp('worker.js');
  }

  it('makes pictures smaller, masked and cropped, as JPEGs', async () => {
    const masks = [
      [
        [0, 0],
        [0.5, 0],
        [0.5, 1],
        [0, 1],
      ],
    ] as const;
    const crop = { x: 0.25, y: 0, width: 0.5, height: 1 };
    const { jpeg, width, height, differenceHash, brightness } = await childOf().prepare(picture, {
      ...{ masks, crop, maxSide: 240 },
    });
    assert.deepEqual([width, height], [160, 240]);
    assert.match(differenceHash, /^[0-9a-f]{128}$/);
    assert.ok(brightness > 10 && brightness < 200);
    const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], [160, 240]);
    let [left, right] = [0, 0];
    for (let row = 0; row < info.height; row++) {
      for (let column = 0; column < info.width; column++) {
        const value = data[(row * info.width + column) * 3] ?? 0;
        if (column < 70) left = Math.max(left, value);
        if (column >= 90) right = Math.max(right, value);
      }
    }
    assert.ok(left < 16 && right > 60, `${left} under the mask, ${right} beside it`);
  });

  it('lifts dark pictures only, and spreads contrast', async () => {
    const dark = await sharp(picture).linear(0.12).jpeg().toBuffer();
    const mean = async (bytes: Uint8Array | undefined): Promise<number> =>
      (await sharp(bytes).greyscale().stats()).channels[0]?.mean ?? 0;
    const child = childOf();
    const plain = await child.prepare(dark);
    const lifted = await child.prepare(dark, { normalise: 'night' });
    assert.ok((await mean(lifted.jpeg)) > 2 * (await mean(plain.jpeg)));
    assert.equal(lifted.differenceHash, plain.differenceHash);
  });

  it('makes no new picture if the size is near enough', async () => {
    const child = childOf();
    const { differenceHash } = await child.prepare(picture);
    const again = await child.prepare(await sharp(picture).jpeg({ quality: 50 }).toBuffer(), {
      unless: { differenceHash, bits: 10 },
    });
    assert.equal(again.jpeg, undefined);
    assert.deepEqual([again.width, again.height], [640, 480]);
  });

  it('refuses what is not a picture, and continues', async () => {
    const child = childOf();
    await assert.rejects(child.prepare(Buffer.from('<html>login</html>')), { code: 'image-html' });
    await assert.rejects(child.prepare(picture.subarray(0, 2000)), { code: 'image-truncated' });
    await assert.rejects(child.prepare(new Uint8Array()), /./);
    assert.ok((await child.prepare(picture)).jpeg);
  });

  it('fails the picture that ends the process alone, and starts another', async () => {
    const script = worker(`let first = !require('node:fs').existsSync(${JSON.stringify(temp('died'))});
      process.on('message', ({ job, bytes }) => {
        if (bytes.length === 3) { require('node:fs').writeFileSync(${JSON.stringify(temp('died'))}, ''); process.kill(process.pid, 'SIGABRT'); return; }
        process.send({ job, frame: { width: bytes.length, height: 1, differenceHash: '0', brightness: 0 } });
      });`);
    const child = childOf({ worker: script });
    const settled = await Promise.allSettled(
      [1, 3, 5].map((length) => child.prepare(new Uint8Array(length))),
    );
    assert.deepEqual(
      settled.map((each) => (each.status === 'fulfilled' ? each.value.width : each.reason.code)),
      [1, 'image-child-lost', 5],
    );
  });

  it('starts another process where one cannot be reached any more', async () => {
    const script = worker(`const { existsSync, writeFileSync } = require('node:fs');
      const first = !existsSync(${JSON.stringify(temp('started'))});
      writeFileSync(${JSON.stringify(temp('started'))}, '');
      const alive = first ? setInterval(() => {}, 1000) : undefined;
      process.on('message', ({ job, bytes }) => {
        process.send({ job, frame: { width: bytes.length, height: 1, differenceHash: '0', brightness: 0 } }, () => {
          if (!first) return;
          process.disconnect();
          writeFileSync(${JSON.stringify(temp('disconnected'))}, '');
        });
      });`);
    const child = childOf({ worker: script, timeoutMs: 5000 });
    assert.equal((await child.prepare(new Uint8Array(1))).width, 1);
    while (!existsSync(temp('disconnected'))) await delay(5);
    await assert.rejects(child.prepare(new Uint8Array(2)), { code: /^image-child-(lost|slow)$/ });
    assert.equal((await child.prepare(new Uint8Array(3))).width, 3);
  });

  it('gives up on a picture that takes too long', async () => {
    const script = worker(`process.on('message', ({ job, bytes }) => {
      if (bytes.length === 3) for (;;) {}
      process.send({ job, frame: { width: bytes.length, height: 1, differenceHash: '0', brightness: 0 } });
    });`);
    const clock = new ManualClock();
    const child = childOf({ worker: script, timeoutMs: 3000, clock });
    const given = assert.rejects(child.prepare(new Uint8Array(3)), { code: 'image-child-slow' });
    clock.advance(2999);
    assert.equal(clock.timers, 1);
    clock.advance(1);
    await given;
    assert.equal((await child.prepare(new Uint8Array(4))).width, 4);
  });

  it('does not give up on a picture because both processes were stopped meanwhile', async () => {
    const script = worker(`process.on('message', ({ job, bytes }) => {
      const answer = () => process.send({ job, frame: { width: bytes.length, height: 1, differenceHash: '0', brightness: 0 } });
      const { existsSync } = require('node:fs');
      const wait = setInterval(() => { if (existsSync(${JSON.stringify(temp('woken'))})) { clearInterval(wait); answer(); } }, 5);
    });`);
    const clock = new ManualClock();
    const child = childOf({ worker: script, clock });
    const prepared = child.prepare(new Uint8Array(3));
    clock.advance(29_500);
    clock.stop(100_000);
    writeFileSync(temp('woken'), '');
    assert.equal((await prepared).width, 3);
  });

  it('queues a bounded number, and fails them when it is closed', async () => {
    const script = worker(`process.on('message', () => {});`);
    const child = childOf({ worker: script });
    const asked = Array.from({ length: 66 }, () =>
      child.prepare(new Uint8Array(1)).catch(({ code }) => code),
    );
    child.close();
    const codes = await Promise.all(asked);
    assert.equal(codes.filter((code) => code === 'image-busy').length, 1);
    assert.equal(codes.filter((code) => code === 'image-child-closed').length, 65);
    await assert.rejects(child.prepare(picture), { code: 'image-child-closed' });
  });
});
