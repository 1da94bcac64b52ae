import assert from 'node:assert/strict';
import { FramePlaces, type Reservation } from '../../../src/nats/client/frame-places';
import { NatsRequest } from '../../../src/nats/client/nats-request';

describe('FramePlaces', () => {
  let places: FramePlaces;
  beforeEach(() => {
    places = new FramePlaces();
  });

  function reserve(capacity = 1): Reservation & { readonly request: NatsRequest } {
    const request = new NatsRequest({ id: 'x', camera: 'porch' }, [], () => {});
    const place = (slot: number): string => `porch.${slot}`;
    return { ...places.reserve(request, { capacity, place }), request };
  }

  it('lets a request overtake the older ones for its place, and no newer one', () => {
    const [oldest, middle, newest] = [reserve(), reserve(), reserve()];
    middle.enter();
    const overtaken = [oldest, middle, newest].map(({ request }) => request.isOvertaken);
    assert.deepEqual(overtaken, [true, false, false]);
  });

  it('has nothing overtaken by a request that is answered already', () => {
    const waiting = reserve();
    const answered = reserve();
    answered.release();
    assert.equal(waiting.request.isOvertaken, false);
    reserve().enter();
    assert.equal(waiting.request.isOvertaken, true);
  });

  it('gives the places of a queue in turn, and one that was given back again', () => {
    assert.deepEqual([reserve(2).subject, reserve(2).subject], ['porch.0', 'porch.1']);
    assert.equal(reserve(2).subject, 'porch.0');
    const answered = reserve(2);
    answered.release();
    assert.deepEqual([answered.subject, reserve(2).subject], ['porch.1', 'porch.1']);
  });
});
