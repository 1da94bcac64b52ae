import assert from 'node:assert/strict';
import { type CachedFeatures, FeatureCache } from '../../../src/inference/vision/feature-cache';
import { ManualClock } from '../../system/manual-clock';

function features(hash: string, length = 10): CachedFeatures {
  const grid = { rows: 0, cols: 0, tiles: 1 };
  return { key: `${hash}-low`, hash, detail: 'low', grid, rows: new Float32Array(length) };
}

describe('the feature cache', () => {
  let clock: ManualClock;
  let cache: FeatureCache;
  beforeEach(() => {
    clock = new ManualClock();
    cache = new FeatureCache({ limitBytes: 100, holdMs: 1000, clock });
  });

  function hold(hash: string): string {
    cache.add(features(hash));
    return cache.hold(features(hash)).id;
  }

  it('finds a handle until it expires, and says when that is', () => {
    cache.add(features('a'));
    const before = Date.now();
    const { id, frameHash, detail, expires } = cache.hold(features('a'));
    assert.deepEqual([frameHash, detail], ['a', 'low']);
    assert.ok(Date.parse(expires) >= before + 1000 && Date.parse(expires) <= Date.now() + 1000);
    clock.advance(1000);
    assert.equal(cache.held(id)?.hash, 'a');
  });

  it('drops a handle that expired, and still finds its features by their pixels', () => {
    const id = hold('a');
    clock.advance(1001);
    assert.equal(cache.held(id), undefined);
    assert.equal(cache.get('a-low')?.hash, 'a');
    cache.hold(features('a'));
    assert.equal(cache.held(id)?.hash, 'a', 'held again, under the same name');
  });

  it('holds longer what is asked about', () => {
    const id = hold('a');
    for (let second = 0; second < 5; second++) {
      clock.advance(900);
      assert.equal(cache.held(id)?.hash, 'a');
    }
  });

  it('finds no handle for features that were never held or were evicted for lack of memory', () => {
    const id = hold('a');
    cache.add(features('b'));
    assert.equal(cache.held(id.replace('a-low', 'b-low')), undefined);
    cache.held(id);
    cache.add(features('c'));
    assert.equal(cache.held(id)?.hash, 'a', 'used later than b');
    cache.add(features('d', 25));
    assert.equal(cache.held(id), undefined);
    assert.equal(cache.sizeBytes, 100);
  });

  it('promises nothing for features that memory has no room for', () => {
    cache.add(features('big', 26));
    const { id, expires } = cache.hold(features('big', 26));
    assert.ok(Date.parse(expires) <= Date.now());
    assert.equal(cache.held(id), undefined);
  });

  it('does not find the handles of another model', () => {
    const id = hold('a');
    const other = new FeatureCache({ clock });
    other.add(features('a'));
    const { id: otherId } = other.hold(features('a'));
    assert.notEqual(otherId, id);
    assert.equal(other.held(id), undefined);
    assert.equal(cache.held('nonsense'), undefined);
  });
});
