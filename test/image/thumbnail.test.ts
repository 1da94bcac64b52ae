import assert from 'node:assert/strict';
import { decodePicture } from '../../src/image/decode-picture';
import { thumbnail } from '../../src/image/thumbnail';

describe('thumbnail', () => {
  const plain = (width: number, height: number, value: number) => ({
    width,
    height,
    data: new Uint8Array(width * height * 3).fill(value),
  });

  it('has the given longest side and the picture’s aspect ratio', async () => {
    const { width, height, data } = await decodePicture(await thumbnail(plain(640, 480, 200), 160));
    assert.deepEqual([width, height], [160, 120]);
    assert.ok(data.every((value) => Math.abs(value - 200) <= 1));
  });

  it('does not enlarge a small picture', async () => {
    const { width, height } = await decodePicture(await thumbnail(plain(20, 40, 0), 160));
    assert.deepEqual([width, height], [20, 40]);
  });
});
