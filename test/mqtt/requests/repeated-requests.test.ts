import assert from 'node:assert/strict';
import type { CameraRequest } from '../../../src/mqtt/requests/camera-request';
import { RepeatedRequests } from '../../../src/mqtt/requests/repeated-requests';

const payload = Buffer.from('a request');

function request(id?: string, correlation?: string): CameraRequest {
  return {
    camera: 'porch',
    payload: { request: {}, ...(id === undefined ? {} : { id }) },
    receivedAt: '2026-11-28T00:00:00Z',
    ...(correlation === undefined
      ? {}
      : { reply: { topic: 'me', correlationData: Buffer.from(correlation) } }),
  };
}

describe('a request that arrives twice', () => {
  it('is recognised by id and content for half a minute, and as long as the first is open', () => {
    let now = 0;
    const open = new Set<CameraRequest>();
    const repeated = new RepeatedRequests(
      (each) => open.has(each),
      () => now,
    );
    const first = request('1');
    open.add(first);
    assert.equal(repeated.isRepeated(first, payload), false);
    now = 60_000;
    assert.equal(repeated.isRepeated(request('1'), payload), true);
    open.clear();
    assert.equal(repeated.isRepeated(request('1'), payload), false);
    now = 89_999;
    assert.equal(repeated.isRepeated(request('1'), payload), true);
    now = 90_000;
    assert.equal(repeated.isRepeated(request('1'), payload), false);
  });

  it('is another one with another id or content, for another reply, or without an id', () => {
    const repeated = new RepeatedRequests(
      () => false,
      () => 0,
    );
    for (const each of [
      request('1'),
      request('2'),
      request('1', 'a'),
      request('1', 'b'),
      request(),
      request(),
    ]) {
      assert.equal(repeated.isRepeated(each, payload), false);
    }
    assert.equal(repeated.isRepeated(request('1', 'b'), payload), true);
    assert.equal(repeated.isRepeated(request('1'), Buffer.from('another')), false);
  });

  it('may be sent again when it has failed', () => {
    const repeated = new RepeatedRequests(
      () => false,
      () => 0,
    );
    const failed = request('1');
    repeated.isRepeated(failed, payload);
    repeated.forget(failed);
    assert.equal(repeated.isRepeated(request('1'), payload), false);
  });

  it('remembers the latest 256 ids', () => {
    const repeated = new RepeatedRequests(
      () => false,
      () => 0,
    );
    for (let id = 0; id < 257; id++) repeated.isRepeated(request(String(id)), payload);
    assert.equal(repeated.isRepeated(request('1'), payload), true);
    assert.equal(repeated.isRepeated(request('0'), payload), false);
  });
});
