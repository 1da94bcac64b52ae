import assert from 'node:assert/strict';
import { plainJpeg } from '../../../src/image/jpeg/plain-jpeg';
import { picture, porch, sampleJpegs, segment, segments } from './sample-jpegs';

describe('plainJpeg', () => {
  let bases: Awaited<ReturnType<typeof sampleJpegs>>;

  before(async () => {
    bases = await sampleJpegs();
  });

  it('keeps every byte of a picture that has nothing else in it', () => {
    for (const bytes of [porch, bases.baseline, bases.grey, bases.restarts, bases.progressive]) {
      assert.deepEqual(Buffer.from(plainJpeg(bytes)!.bytes), bytes);
    }
  });

  it('leaves out a camera’s comment, unknown segments and trailer', () => {
    const from = picture('comment-app15-trailer.jpg');
    const { bytes } = plainJpeg(from)!;
    assert.ok(from.includes('DS-2CD0') && from.includes('CamCorp'));
    assert.ok(!Buffer.from(bytes).includes('DS-2CD0') && !Buffer.from(bytes).includes('CamCorp'));
    assert.deepEqual(Buffer.from(bytes.subarray(-2)), Buffer.of(0xff, 0xd9));
  });

  it('adds the end of image that a camera left out', () => {
    const from = picture('missing-eoi.jpg');
    assert.deepEqual(Buffer.from(plainJpeg(from)!.bytes), Buffer.concat([from, Buffer.of(0xff, 0xd9)]));
  });

  it('refuses repeated restart intervals and a second scan of a component', () => {
    const parts = segments(bases.baseline);
    const [start, end] = [Buffer.of(0xff, 0xd8), Buffer.of(0xff, 0xd9)];
    const interval = segment(0xdd, Buffer.of(0, 0));
    const once = Buffer.concat([start, interval, ...parts, end]);
    assert.deepEqual(Buffer.from(plainJpeg(once)!.bytes), once);
    for (const extra of [
      [interval, interval],
      [interval, ...parts.slice(-1), interval],
    ]) {
      assert.equal(plainJpeg(Buffer.concat([start, ...parts, ...extra, end])), undefined);
    }
    assert.equal(plainJpeg(Buffer.concat([start, interval, interval, ...parts, end])), undefined);
    assert.equal(plainJpeg(Buffer.concat([start, ...parts, ...parts.slice(-1), end])), undefined);
  });

  it('refuses tables that no scan uses, which could carry anything', () => {
    const [first, ...rest] = segments(bases.baseline);
    const withTable = (table: Buffer): Buffer =>
      Buffer.concat([Buffer.of(0xff, 0xd8), first!, table, ...rest, Buffer.of(0xff, 0xd9)]);
    const quant = segment(0xdb, Buffer.concat([Buffer.of(3), Buffer.alloc(64, 7)]));
    assert.equal(plainJpeg(withTable(quant)), undefined);
    const huffman = rest.find((part) => part[1] === 0xc4)!;
    assert.equal(plainJpeg(withTable(huffman)), undefined);
  });
});
