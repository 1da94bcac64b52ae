import assert from 'node:assert/strict';
import { AnchorMemory } from '../../../src/node-red/caption/anchor-memory';

const anchor = (sizeBytes: number): { picture: Uint8Array; capturedAt: string } => ({
  picture: new Uint8Array(sizeBytes),
  capturedAt: '2026-01-01T00:00:00.000Z',
});

describe('AnchorMemory', () => {
  it('keeps one anchor per camera', () => {
    const memory = new AnchorMemory();
    memory.set('a', anchor(10));
    memory.set('a', anchor(20));
    assert.equal(memory.get('a')?.picture.length, 20);
    assert.equal(memory.sizeBytes, 20);
    assert.equal(memory.get('b'), undefined);
  });

  it('discards the least recently used camera when there are too many', () => {
    const memory = new AnchorMemory({ cameras: 2, sizeBytes: 1000 });
    memory.set('a', anchor(1));
    memory.set('b', anchor(1));
    memory.get('a');
    memory.set('c', anchor(1));
    assert.equal(memory.get('b'), undefined);
    assert.ok(memory.get('a') && memory.get('c'));
  });

  it('keeps no more bytes than the limit, not even for one picture', () => {
    const memory = new AnchorMemory({ cameras: 10, sizeBytes: 100 });
    memory.set('a', anchor(60));
    memory.set('b', anchor(60));
    assert.equal(memory.get('a'), undefined);
    assert.equal(memory.sizeBytes, 60);
    memory.set('c', anchor(101));
    assert.equal(memory.get('c'), undefined);
    assert.equal(memory.sizeBytes, 0);
  });

  it('is empty after it is cleared', () => {
    const memory = new AnchorMemory();
    memory.set('a', anchor(10));
    memory.clear();
    assert.deepEqual([memory.get('a'), memory.sizeBytes], [undefined, 0]);
  });
});
