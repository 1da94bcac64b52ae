import assert from 'node:assert/strict';
import { frigateSnapshot, frigateUpdate, snapshotAddress } from '../../../src/mqtt/frigate/frigate';

const settings = { prefix: 'home/frigate', labels: [] };

describe('Frigate', () => {
  it('names camera and label of its snapshot topics, and of no others', () => {
    const snapshot = (topic: string, labels: string[] = []) =>
      frigateSnapshot(topic, { ...settings, labels });
    assert.deepEqual(snapshot('home/frigate/drive/car/snapshot'), { camera: 'drive', label: 'car' });
    assert.deepEqual(snapshot('home/frigate/drive/car/snapshot', ['car']), { camera: 'drive', label: 'car' });
    assert.equal(snapshot('home/frigate/drive/car/snapshot', ['person']), undefined);
    for (const topic of [
      'home/frigate/drive/snapshots/state',
      'home/frigate/drive/car',
      'frigate/drive/car/snapshot',
      'home/frigate/a/b/c/snapshot',
    ]) {
      assert.equal(snapshot(topic), undefined, topic);
    }
  });

  it('reads updates of tracked objects, and passes over anything else', () => {
    const update = (value: unknown) =>
      frigateUpdate(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
    const id = '1607123955.475377-mxklsc';
    assert.deepEqual(update({ type: 'description', id, description: 'A man.' }), {
      type: 'description',
      id,
      description: 'A man.',
    });
    assert.deepEqual(update({ type: 'lpr', id, camera: 'drive', plate: 'X', score: 0.9 }), {
      type: 'lpr',
      id,
      camera: 'drive',
    });
    for (const other of [
      '',
      'ON',
      'null',
      '[]',
      { id },
      { type: 'face' },
      { type: 'face', id: '../../config' },
      { type: 'face', id: 7 },
    ]) {
      assert.equal(update(other), undefined, JSON.stringify(other));
    }
  });

  it("builds the address of an object's picture below a base path too", () => {
    for (const base of ['http://hub:5000', 'http://hub:5000/']) {
      assert.equal(
        snapshotAddress(new URL(base), '1.2-a'),
        'http://hub:5000/api/events/1.2-a/snapshot.jpg?crop=1',
      );
    }
    assert.equal(
      snapshotAddress(new URL('http://hub/frigate'), '1.2-a'),
      'http://hub/frigate/api/events/1.2-a/snapshot.jpg?crop=1',
    );
  });
});
