import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { decodePicture } from '../../src/image/decode-picture';
import { prepareFrame } from '../../src/image/prepare-frame';
import { demoFrame } from '../fixtures';
import { segments } from './jpeg/sample-jpegs';

const frame = readFileSync(demoFrame('frame_05_porch_day.jpg'));

/** A JPEG whose comment is longer, or shorter, than its length says. */
function withComment(says: number, has: number): Buffer {
  const comment = Buffer.alloc(2 + has);
  comment.writeUInt16BE(0xfffe, 0);
  comment.writeUInt16BE(says, 2);
  return Buffer.concat([frame.subarray(0, 2), comment, frame.subarray(2)]);
}

/** As MJPEG: its tables are those of the standard. */
function withoutTables(jpeg: Buffer): Buffer {
  let rest = jpeg;
  for (let at = rest.indexOf('ffc4', 0, 'hex'); at >= 0; at = rest.indexOf('ffc4', 0, 'hex'))
    rest = Buffer.concat([rest.subarray(0, at), rest.subarray(at + 2 + rest.readUInt16BE(at + 2))]);
  return rest;
}

/** With fill bytes before each marker (ITU T.81, B.1.1.2), and without its end marker. */
function withFill(jpeg: Buffer): Buffer {
  return Buffer.concat([
    jpeg.subarray(0, 2),
    ...segments(jpeg).flatMap((part) => [Buffer.of(0xff, 0xff), part]),
  ]);
}

/** All its components with the same id, and a JFIF version that makes the decoder warn. */
function withEqualIds(jpeg: Buffer): Buffer {
  const parts = segments(jpeg).map((part) => {
    const changed = Buffer.from(part);
    if (part[1] === 0xc0) for (const at of [10, 13, 16]) changed[at] = 1;
    if (part[1] === 0xda) for (const at of [5, 7, 9]) changed[at] = 1;
    return changed;
  });
  const version = Buffer.from('ffe000104a46494600090900000100010000', 'hex');
  return Buffer.concat([
    jpeg.subarray(0, 2),
    version,
    ...parts.filter((part) => part[1] !== 0xe0),
    Buffer.of(0xff, 0xd9),
  ]);
}

describe('a damaged picture', () => {
  for (const [name, bytes] of [
    ['lacks only its end marker', frame.subarray(0, frame.length - 2)],
    ['has a comment longer than it says', withComment(4094, 4704)],
    ['has a comment shorter than it says', withComment(900, 600)],
    [
      'has the headers of a stream’s part',
      Buffer.concat([
        Buffer.from('--boundary\r\nContent-Type: image/jpeg\r\n\r\n'),
        frame,
        Buffer.from('\r\n--boundary\r\n'),
      ]),
    ],
    ['has blank lines before it', Buffer.concat([Buffer.from('\r\n\r\n'), frame])],
    ['has its length before it', Buffer.concat([Buffer.from([0, 1, 4, 0x8a]), frame])],
    [
      'has the head of an answer',
      Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nServer: a\r\n\r\n'), frame]),
    ],
    ['has bytes behind its end', Buffer.concat([frame, Buffer.from('dhav')])],
    ['has fill bytes and lacks its end marker', withFill(frame)],
    ['has components with the same id', withEqualIds(frame)],
  ] as const) {
    it(`is read if it ${name}`, async () => {
      const whole = await decodePicture(frame);
      assert.ok(Buffer.from(whole.data).equals(Buffer.from((await decodePicture(bytes)).data)));
      const { jpeg = new Uint8Array() } = await prepareFrame(bytes);
      assert.equal((await sharp(jpeg, { failOn: 'warning' }).stats()).channels.length, 3);
    });
  }

  for (const cut of [3, 100, 20_000]) {
    it(`is called truncated if ${cut} bytes are missing`, async () => {
      await assert.rejects(decodePicture(frame.subarray(0, frame.length - cut)), {
        code: 'image-truncated',
        message: /\((?!\))/,
      });
    });
  }

  const [begin, end] = [Buffer.of(0xff, 0xd8), Buffer.of(0xff, 0xd9)];
  const half = frame.subarray(0, frame.length / 2);
  for (const [name, bytes] of [
    ['its end marker follows', Buffer.concat([half, end])],
    ['the next picture follows', Buffer.concat([half, frame])],
    [
      'the next part of the stream follows',
      Buffer.concat([half, Buffer.from('\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n'), frame]),
    ],
    ['zeros fill its place', Buffer.concat([half, Buffer.alloc(frame.length / 2), end])],
    ['its Huffman tables are left out', Buffer.concat([withoutTables(half), end])],
  ] as const) {
    it(`is not half grey but an error if a half is missing and ${name}`, async () => {
      await assert.rejects(decodePicture(bytes), {
        code: 'image-truncated',
        message: /\([1-6]\d % is missing\)/,
      });
    });
  }

  it('is read if an end marker takes the place of its last blocks', async () => {
    const cut = Buffer.concat([frame.subarray(0, frame.length - 100), end]);
    assert.equal((await decodePicture(cut)).width, 640);
  });

  it('is an error if the scans that make a progressive JPEG sharp are missing', async () => {
    const parts = segments(await sharp(frame).jpeg({ progressive: true }).toBuffer());
    const isScan = (part: Buffer): boolean => part[1] === 0xda;
    assert.equal((await decodePicture(Buffer.concat([begin, ...parts, end]))).width, 640);
    for (let scan = 0; scan < parts.filter(isScan).length; scan++) {
      const missing = parts.indexOf(parts.filter(isScan)[scan]!);
      const without = parts.filter((_, index) => index !== missing);
      const refused = { code: 'image-truncated', message: /scans are missing/ };
      await assert.rejects(decodePicture(Buffer.concat([begin, ...without, end])), refused);
      const before = Buffer.concat([begin, ...parts.slice(0, missing)]);
      if (scan > 0) await assert.rejects(decodePicture(before), refused);
    }
    const last = Buffer.concat([begin, ...parts]);
    await assert.rejects(decodePicture(Buffer.concat([last.subarray(0, last.length - 3000), end])), {
      code: 'image-truncated',
    });
  });

  it('is called corrupt if a marker within its data makes the rest of it grey', async () => {
    const damaged = Buffer.from(frame);
    damaged.writeUInt16BE(0xffc4, frame.length / 2);
    await assert.rejects(decodePicture(damaged), { code: 'image-corrupt', message: /[3-6]\d % is missing/ });
  });

  for (const compression of ['lzw', 'deflate', 'jpeg'] as const) {
    it(`is not black but an error if the data of its TIFF is damaged (${compression})`, async () => {
      const tiff = await sharp(frame).tiff({ compression }).toBuffer();
      const damaged = Buffer.from(tiff).fill(0x5a, 100, 3000);
      await decodePicture(tiff);
      await assert.rejects(decodePicture(damaged), {
        code: /^image-(corrupt|truncated)$/,
        message: /read.*: \S|\(\S/,
      });
    });
  }

  for (const format of ['png', 'webp', 'avif', 'gif', 'tiff'] as const) {
    it(`is told from one that was cut by where its ${format.toUpperCase()} ends`, async () => {
      const whole = await sharp(frame).resize(160).toFormat(format, { compression: 'lzw' }).toBuffer();
      for (const part of [0.98, 0.5]) {
        const cut = whole.subarray(0, Math.floor(whole.length * part));
        await assert.rejects(decodePicture(cut), { code: 'image-truncated', message: /\(.*[a-z]{3}.*\)$/i });
      }
      const begin = Math.floor(whole.length * 0.3);
      const damaged = Buffer.from(whole).fill(0xa5, begin, begin + 60);
      // WebP and GIF have no checksum: some damage is only seen.
      await decodePicture(damaged).catch(({ code }: { code: string }) => assert.equal(code, 'image-corrupt'));
    });
  }

  it('is named if it was read as text', async () => {
    const png = await sharp(frame).png().toBuffer();
    for (const bytes of [frame, png]) {
      await assert.rejects(decodePicture(Buffer.from(bytes.toString('utf8'))), {
        code: 'image-text',
        hint: /a binary buffer/,
      });
    }
  });
});
