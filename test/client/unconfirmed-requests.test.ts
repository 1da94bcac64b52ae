import assert from 'node:assert/strict';
import { applyQueuePolicy, silentMs, type UnansweredRequest } from '../../src/client/unconfirmed-requests';
import type { DescribeRequest } from '../../src/protocol/describe-request';

type Queue = NonNullable<DescribeRequest['queue']>;

describe('queue policy of a client whose engine does not respond', () => {
  let dropped: string[];

  beforeEach(() => {
    dropped = [];
  });

  function request(id: string, fields: Partial<DescribeRequest> = {}): DescribeRequest {
    return { id, camera: 'porch', ...fields };
  }

  function waiting(id: string, unconfirmedMs?: number, fields?: Partial<DescribeRequest>): UnansweredRequest {
    return {
      request: request(id, fields),
      unconfirmedMs,
      drop: (reason) => void dropped.push(`${id} ${reason}`),
    };
  }

  function offered(queue: Queue, pending: readonly UnansweredRequest[], priority = 0): string {
    const final = applyQueuePolicy(request('new', { queue, priority }), pending);
    if (final?.type === 'error') return final.error.code;
    return final?.type === 'dropped' ? final.reason : 'waits';
  }

  it('drops the oldest unconfirmed frame of the camera', () => {
    const pending = [waiting('a', silentMs), waiting('b', silentMs - 1)];
    assert.equal(offered({ capacity: 2 }, pending), 'waits');
    assert.deepEqual(dropped, ['a superseded']);
  });

  it('waits for an engine that was silent only briefly, and for confirmed requests', () => {
    assert.equal(offered({}, [waiting('a', silentMs - 1), waiting('b', undefined)]), 'waits');
    assert.deepEqual(dropped, []);
  });

  it('leaves other cameras and other groups alone', () => {
    const others = [
      waiting('a', silentMs, { camera: 'garden' }),
      waiting('b', silentMs, { queue: { group: 'node' } }),
    ];
    assert.equal(offered({}, others), 'waits');
    assert.deepEqual(dropped, []);
  });

  it('drops the new frame with the policy oldest, and fails with reject', () => {
    const pending = [waiting('a', silentMs)];
    assert.equal(offered({ policy: 'oldest' }, pending), 'queue-full');
    assert.equal(offered({ policy: 'reject' }, pending), 'engine-queue-full');
    assert.deepEqual(dropped, []);
  });

  it('does not replace a frame of higher priority', () => {
    const pending = [waiting('a', silentMs, { priority: 5 })];
    assert.equal(offered({}, pending), 'queue-full');
    assert.equal(offered({}, pending, 5), 'waits');
    assert.deepEqual(dropped, ['a superseded']);
  });
});
