import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { JpegSplitter } from '../../src/picture/jpeg-splitter';
import { demoFrame } from '../fixtures';

const frames = ['frame_09_street_day.jpg', 'frame_01_porch_day.jpg'].map((name) => {
  try {
    return readFileSync(demoFrame(name));
  } catch {
    return readFileSync(demoFrame('frame_09_street_day.jpg'));
  }
}) as [Buffer, Buffer];

describe('JpegSplitter', () => {
  function split(stream: Buffer, chunkBytes: number): Buffer[] {
    const found: Buffer[] = [];
    const splitter = new JpegSplitter((bytes) => void found.push(Buffer.from(bytes)));
    for (let at = 0; at < stream.length; at += chunkBytes)
      splitter.push(stream.subarray(at, at + chunkBytes));
    return found;
  }

  for (const chunkBytes of [1, 7, 1000, 1_000_000]) {
    it(`finds every picture between headers, in pieces of ${chunkBytes} bytes`, () => {
      const header = (bytes: Buffer): Buffer =>
        Buffer.from(`\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      const stream = Buffer.concat(frames.flatMap((bytes) => [header(bytes), bytes]));
      assert.deepEqual(split(stream, chunkBytes), frames);
    });
  }

  it('does not end a picture at its thumbnail', async () => {
    const [frame] = frames;
    const thumbnail = await sharp(frame).resize(32).jpeg().toBuffer();
    // APP15, a segment that no decoder reads, after the start of the image.
    const segment = Buffer.alloc(4);
    segment.writeUInt16BE(0xffef, 0);
    segment.writeUInt16BE(thumbnail.length + 2, 2);
    const picture = Buffer.concat([frame.subarray(0, 2), segment, thumbnail, frame.subarray(2)]);
    assert.deepEqual(split(Buffer.concat([picture, frame]), 100), [picture, frame]);
  });

  it('finds the next picture after one that was cut, and after noise', () => {
    const [first, second] = frames;
    const noise = randomBytes(5000).map((byte) => (byte === 0xff ? 0 : byte));
    const found = split(
      Buffer.concat([noise, first, Buffer.from([0xff, 0xd8, 0xff, 0x13]), noise, second]),
      333,
    );
    assert.deepEqual(found, frames);
  });

  it('gives up on a picture that does not end, and takes the next', () => {
    const [frame] = frames;
    const found: Buffer[] = [];
    const splitter = new JpegSplitter((bytes) => void found.push(Buffer.from(bytes)), 100_000);
    const endless = Buffer.concat([frame.subarray(0, frame.length - 2), Buffer.alloc(100_000)]);
    assert.throws(() => splitter.push(endless), { code: 'frame-stream', hint: /RTSP/ });
    splitter.push(frame);
    assert.deepEqual(found, [frame]);
  });
});
