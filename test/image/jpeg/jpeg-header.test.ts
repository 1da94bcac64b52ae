import assert from 'node:assert/strict';
import { huffmanCodes } from '../../../src/image/jpeg/jpeg-header';

/** One code, of one bit, for the symbol 0. */
const shortest = Buffer.concat([Buffer.of(0x03, 1), Buffer.alloc(16)]);

describe('huffmanCodes', () => {
  it('makes no table before it is needed: a segment can define thousands', () => {
    const before = process.memoryUsage().arrayBuffers;
    const codes = huffmanCodes(Buffer.concat(Array.from({ length: 3640 }, () => shortest)));
    const kept = process.memoryUsage().arrayBuffers - before;
    assert.equal(codes?.length, 3640);
    assert.ok(kept < 16e6, `${kept} bytes`);
    assert.equal(codes?.at(-1)?.code.table[0], 256);
    assert.equal(codes?.at(-1)?.code.table[0xffff], 0);
  });

  it('knows counts that are not a code, and a segment that is cut', () => {
    const tooMany = Buffer.from(shortest);
    tooMany[1] = 3;
    assert.equal(huffmanCodes(Buffer.concat([tooMany, Buffer.alloc(2)])), undefined);
    assert.equal(huffmanCodes(shortest.subarray(0, 17)), undefined);
    const both = Buffer.concat([Buffer.of(0x03, 2), Buffer.alloc(15), Buffer.of(0, 1)]);
    assert.equal(huffmanCodes(both)?.length, 1);
  });
});
