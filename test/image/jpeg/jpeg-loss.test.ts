import assert from 'node:assert/strict';
import { jpegLoss } from '../../../src/image/jpeg/jpeg-loss';
import { porch, sampleJpegs, segment, segments } from './sample-jpegs';

const nothing = { lacksScans: false, isDamaged: false };
const [start, end] = [Buffer.of(0xff, 0xd8), Buffer.of(0xff, 0xd9)];

describe('jpegLoss', () => {
  let samples: Awaited<ReturnType<typeof sampleJpegs>>;

  before(async () => {
    samples = await sampleJpegs();
  });

  it('finds nothing missing in whole pictures', () => {
    for (const bytes of [
      porch,
      samples.baseline,
      samples.full,
      samples.grey,
      samples.restarts,
      samples.ffmpeg,
    ]) {
      assert.deepEqual(jpegLoss(bytes), { share: 0, ...nothing });
    }
    assert.deepEqual(jpegLoss(samples.progressive), { share: undefined, ...nothing });
  });

  it('counts an interval whose restart marker is lost, and continues behind the next one', () => {
    const bytes = Buffer.from(samples.restarts);
    const third = bytes.indexOf(Buffer.of(0xff, 0xd2));
    const whole = jpegLoss(bytes);
    bytes[third] = 0;
    const { share = 0, isDamaged } = jpegLoss(bytes)!;
    assert.equal(whole?.share, 0);
    assert.ok(isDamaged && share > 0 && share < 0.5, `${share}`);
  });

  it('reads a second scan of the same components no more', () => {
    const parts = segments(samples.baseline);
    const scan = parts.find((part) => part[1] === 0xda)!;
    const headers = parts.filter((part) => part !== scan);
    const half = scan.subarray(0, scan.length / 2);
    const once = jpegLoss(Buffer.concat([start, ...headers, half, end]));
    assert.ok(once?.share !== undefined && once.share > 0.2);
    assert.equal(jpegLoss(Buffer.concat([start, ...headers, half, scan, end]))?.share, once.share);
  });

  it('says nothing about arithmetic codes and 12 bits', () => {
    const parts = segments(samples.baseline);
    const header = parts.find((part) => part[1] === 0xc0)!.subarray(4);
    const twelve = Buffer.concat([Buffer.of(12), header.subarray(1)]);
    for (const other of [segment(0xc9, header), segment(0xc0, twelve)]) {
      const changed = parts.map((part) => (part[1] === 0xc0 ? other : part));
      assert.equal(jpegLoss(Buffer.concat([start, ...changed, end])), undefined);
    }
  });
});
