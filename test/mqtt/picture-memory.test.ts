import assert from 'node:assert/strict';
import { PictureMemory } from '../../src/mqtt/picture-memory';

describe('picture memory', () => {
  it('keeps the last picture of each camera, and drops the oldest when they hold too many bytes', () => {
    const memory = new PictureMemory(100);
    memory.set('a', Buffer.alloc(40, 1));
    memory.set('b', Buffer.alloc(40, 2));
    memory.set('a', Buffer.alloc(50, 3));
    assert.equal(memory.get('a')?.[0], 3);
    assert.equal(memory.get('b')?.[0], 2);
    memory.set('c', Buffer.alloc(40, 4));
    assert.equal(memory.get('b'), undefined);
    assert.equal(memory.get('a')?.[0], 3);
  });

  it('keeps pictures of a bounded number of cameras, however small', () => {
    const memory = new PictureMemory(100, 2);
    for (const camera of ['a', 'b', 'c']) memory.set(camera, Buffer.alloc(1));
    assert.deepEqual([memory.get('a'), memory.get('b')?.length, memory.get('c')?.length], [undefined, 1, 1]);
  });

  it('does not keep a picture that is larger than all it may hold', () => {
    const memory = new PictureMemory(100);
    memory.set('a', Buffer.alloc(101));
    assert.equal(memory.get('a'), undefined);
    memory.set('b', Buffer.alloc(100));
    assert.equal(memory.get('b')?.length, 100);
  });
});
