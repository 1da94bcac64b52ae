import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { plainJpeg } from '../../src/image/plain-jpeg';
import { prepareFrame } from '../../src/image/prepare-frame';
import { demoFrame, fixture } from '../fixtures';

const picture = (name: string): Buffer => readFileSync(fixture('pictures', name));
const porch = readFileSync(demoFrame('frame_05_porch_day.jpg'));

/** Written into every planted segment, so that it can be found in what is handed on. */
const secret = Buffer.from('SERIAL-0815');

/** Markers that a picture may consist of. */
const allowed = new Set([0xe0, 0xee, 0xdb, 0xc4, 0xc0, 0xc1, 0xc2, 0xdd, 0xda]);

/** Segments of a JPEG, each with its marker and, for a scan, its data. */
function segments(jpeg: Uint8Array): Buffer[] {
  const bytes = Buffer.from(jpeg);
  const parts: Buffer[] = [];
  let at = 2;
  while (bytes[at + 1] !== 0xd9) {
    const start = at;
    const code = bytes[at + 1];
    at += 2 + bytes.readUInt16BE(at + 2);
    const isEnd = (byte: number | undefined): boolean =>
      byte !== undefined && byte !== 0 && !(byte >= 0xd0 && byte <= 0xd7);
    if (code === 0xda) while (bytes[at] !== 0xff || !isEnd(bytes[at + 1])) at++;
    parts.push(bytes.subarray(start, at));
  }
  return parts;
}

async function pixels(jpeg: Uint8Array): Promise<Buffer> {
  return sharp(jpeg, { ignoreIcc: true }).raw().toBuffer();
}

function segment(code: number, data: Uint8Array): Buffer {
  const length = data.length + 2;
  return Buffer.concat([Buffer.of(0xff, code, length >> 8, length & 0xff), data]);
}

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

describe('plainJpeg', function () {
  this.timeout(30_000);
  let bases: Readonly<Record<string, Buffer>>;

  before(async () => {
    const small = sharp(porch).resize(97, 61, { fit: 'fill' });
    bases = {
      baseline: await small.clone().jpeg().toBuffer(),
      full: await small.clone().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
      grey: await small.clone().greyscale().toColourspace('b-w').jpeg().toBuffer(),
      progressive: await small.clone().jpeg({ progressive: true }).toBuffer(),
      restarts: picture('restart-markers.jpg'),
      ffmpeg: picture('from-ffmpeg.jpg'),
    };
  });

  it('keeps every byte of a picture that has nothing else in it', () => {
    for (const bytes of [porch, bases.baseline, bases.grey, bases.restarts, bases.progressive]) {
      assert.deepEqual(Buffer.from(plainJpeg(bytes!)!.bytes), bytes);
    }
  });

  it('leaves out a camera’s comment, unknown segments and trailer', () => {
    const from = picture('comment-app15-trailer.jpg');
    const { bytes } = plainJpeg(from)!;
    assert.ok(from.includes('DS-2CD0') && from.includes('CamCorp'));
    assert.ok(!Buffer.from(bytes).includes('DS-2CD0') && !Buffer.from(bytes).includes('CamCorp'));
    assert.deepEqual(Buffer.from(bytes.subarray(-2)), Buffer.of(0xff, 0xd9));
  });

  it('adds the end of image that a camera left out', async () => {
    const from = picture('missing-eoi.jpg');
    assert.deepEqual(Buffer.from(plainJpeg(from)!.bytes), Buffer.concat([from, Buffer.of(0xff, 0xd9)]));
  });

  it('refuses tables that no scan uses, which could carry anything', () => {
    const [first, ...rest] = segments(bases.baseline!);
    const withTable = (table: Buffer): Buffer =>
      Buffer.concat([Buffer.of(0xff, 0xd8), first!, table, ...rest, Buffer.of(0xff, 0xd9)]);
    const quant = segment(0xdb, Buffer.concat([Buffer.of(3), Buffer.alloc(64, 7)]));
    assert.equal(plainJpeg(withTable(quant)), undefined);
    const huffman = rest.find((part) => part[1] === 0xc4)!;
    assert.equal(plainJpeg(withTable(huffman)), undefined);
  });

  it('hands on the same pixels and nothing that was planted, wherever it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(bases)),
        fc.array(fc.tuple(fc.nat(), planted), { maxLength: 6 }),
        stray,
        trailer,
        async (name, plants, behindScan, behindPicture) => {
          const base = bases[name]!;
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
      { numRuns: 200 },
    );
  });

  it('copies a damaged picture only with the pixels that a decoder makes of it', async () => {
    const decoded = (jpeg: Uint8Array): Promise<Buffer | undefined> =>
      sharp(jpeg, { failOn: 'none' })
        .raw()
        .toBuffer()
        .catch(() => undefined);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(bases)),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        async (name, changes, cut) => {
          const whole = Buffer.from(bases[name]!);
          for (const [at, value] of changes) whole[at % whole.length] = value;
          const bytes = whole.subarray(0, whole.length - (cut % 3 === 0 ? cut % whole.length : 0));
          const plain = plainJpeg(bytes);
          if (plain) assert.deepEqual(await decoded(plain.bytes), await decoded(bytes));
        },
      ),
      { numRuns: 400 },
    );
  });
});
