import assert from 'node:assert/strict';
import fc from 'fast-check';
import sharp from 'sharp';
import { plainJpeg } from '../../../src/image/jpeg/plain-jpeg';
import { prepareFrame } from '../../../src/image/prepare-frame';
import { fuzz, fuzzTimeoutMs, mutatedBytes } from '../../fuzz';
import { porch, type SampleName, sampleJpegs, segment, segments } from './sample-jpegs';

/** Written into every planted segment, so that it can be found in a prepared picture. */
const secret = Buffer.from('SERIAL-0815');

/** Markers that a picture may consist of. */
const allowed = new Set([0xe0, 0xee, 0xdb, 0xc4, 0xc0, 0xc1, 0xc2, 0xdd, 0xda]);

const names: readonly SampleName[] = ['baseline', 'full', 'grey', 'progressive', 'restarts', 'ffmpeg'];

/** A segment that no decoder needs, in forms that cameras and attackers use. An orientation has its own test. */
const extra: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(0xfe, ...Array.from({ length: 16 }, (_, index) => 0xe0 + index)),
      fc.constantFrom('', 'Exif\0\0', 'MPF\0', 'ICC_PROFILE\0', 'JFXX\0', 'AVI1'),
      fc.uint8Array({ maxLength: 200 }),
    )
    .map(([code, name, data]) => segment(code, Buffer.concat([Buffer.from(name), secret, data]))),
  fc.uint8Array({ minLength: 3, maxLength: 30 }).map((thumbnail) => {
    const header = Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01', 'latin1');
    return segment(0xe0, Buffer.concat([header, thumbnail, secret]));
  }),
);

/** With fill bytes before it (T.81, B.1.1.2). */
const planted = fc
  .tuple(fc.nat(5), extra)
  .map(([fill, part]) => Buffer.concat([Buffer.alloc(fill, 0xff), part]));

/** Bytes that a decoder passes over between the scan and the end of the image. */
const stray: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc
    .uint8Array({ maxLength: 100 })
    .map((data) => Buffer.concat([Buffer.from(data).map((byte) => byte & 0x7f), secret])),
);

/** What may follow a picture: anything, for example the second picture of an MPO. */
const trailer: fc.Arbitrary<Buffer> = fc.oneof(stray, fc.constant(Buffer.concat([porch, secret])));

function pixels(jpeg: Uint8Array, failOn: 'none' | 'truncated' = 'truncated'): Promise<Buffer | undefined> {
  return sharp(jpeg, { failOn })
    .raw()
    .toBuffer()
    .catch(() => undefined);
}

describe('JPEGs, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);
  let bases: Awaited<ReturnType<typeof sampleJpegs>>;

  before(async () => {
    bases = await sampleJpegs();
  });

  it('with planted segments, stray bytes and trailers keep their pixels and lose everything else', async () => {
    await fuzz(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.array(fc.tuple(fc.nat(), planted), { maxLength: 6 }),
        stray,
        trailer,
        async (name, plants, behindScan, behindPicture) => {
          const base = bases[name];
          const parts = segments(base);
          for (const [at, part] of plants) parts.splice(at % (parts.length + 1), 0, part);
          const [start, end] = [Buffer.of(0xff, 0xd8), Buffer.of(0xff, 0xd9)];
          const jpeg = Buffer.concat([start, ...parts, behindScan, end, behindPicture]);
          const frame = await prepareFrame(jpeg);
          const result = Buffer.from(frame.jpeg!);
          assert.ok(!result.includes(secret));
          for (const part of segments(result)) assert.ok(allowed.has(part[1]!), `marker ${part[1]}`);
          assert.ok(result.subarray(-2).equals(end));
          const plain = plainJpeg(jpeg);
          // With bytes behind a progressive scan, the picture is encoded again.
          if (plain && result.equals(plain.bytes)) {
            assert.deepEqual(await pixels(result), await pixels(base));
          } else {
            assert.ok(name === 'progressive' && behindScan.length > 0);
          }
        },
      ),
    );
  });

  it('with damaged bytes are copied only with the pixels that a decoder makes of them', async () => {
    const damaged = fc.constantFrom(...names).chain((name) => mutatedBytes(bases[name]));
    await fuzz(
      fc.asyncProperty(damaged, async (bytes) => {
        const plain = plainJpeg(bytes);
        if (plain) assert.deepEqual(await pixels(plain.bytes, 'none'), await pixels(bytes, 'none'));
      }),
    );
  });
});
