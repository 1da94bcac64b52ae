import assert from 'node:assert/strict';
import { Lifetime } from '../../src/engine/lifetime';
import { ManualClock } from '../system/manual-clock';

describe('lifetime of an engine', () => {
  let clock: ManualClock;
  let ends: number;
  let lifetime: Lifetime;
  beforeEach(() => {
    clock = new ManualClock();
    ends = 0;
    lifetime = new Lifetime(clock, 1000, () => {
      ends += 1;
    });
  });

  it('waits longer for its first client than between clients', () => {
    lifetime.begin();
    clock.advance(9_999);
    assert.equal(ends, 0);
    clock.advance(1);
    assert.equal(ends, 1);
  });

  it('ends some time after the last lease, and not while a request is unanswered', () => {
    lifetime.begin();
    const release = lifetime.lease();
    clock.advance(100_000);
    lifetime.busy(1);
    release();
    release();
    assert.equal(lifetime.leases, 0);
    clock.advance(100_000);
    assert.equal(ends, 0);
    lifetime.busy(0);
    clock.advance(999);
    assert.equal(ends, 0);
    clock.advance(1);
    assert.equal(ends, 1);
  });

  it('begins to wait anew when a client came in between', () => {
    lifetime.begin();
    lifetime.lease()();
    clock.advance(900);
    lifetime.lease()();
    clock.advance(900);
    assert.equal(ends, 0);
  });

  it('never ends by itself without an idle time', () => {
    const server = new Lifetime(clock, undefined, () => assert.fail('ended'));
    server.begin();
    server.lease()();
    assert.equal(clock.timers, 0);
  });
});
