import assert from 'node:assert/strict';
import { FrameQueue, type QueueTicket } from '../../src/engine/frame-queue';
import { ManualClock } from '../system/manual-clock';

describe('frame queue', () => {
  let clock: ManualClock;
  let drops: string[];
  let queue: FrameQueue;

  beforeEach(() => {
    clock = new ManualClock();
    drops = [];
    queue = new FrameQueue({
      clock,
      maxWaiting: 6,
      maxWaitingBytes: 1000,
      onDrop: (id, reason) => drops.push(`${id} ${reason}`),
    });
  });

  function offer(id: string, more: Partial<QueueTicket> = {}): void {
    queue.offer({ id, camera: 'porch', policy: 'newest', capacity: 2, priority: 0, sizeBytes: 10, ...more });
  }

  function drain(): string[] {
    const order: string[] = [];
    for (let ticket = queue.next(); ticket; ticket = queue.next()) {
      order.push(ticket.id);
      queue.finish(ticket.id, 'done');
    }
    return order;
  }

  it("drops the oldest waiting frame when the camera's queue is full", () => {
    for (const id of ['a', 'b', 'c']) offer(id);
    assert.deepEqual(drops, ['a superseded']);
    assert.deepEqual(drain(), ['b', 'c']);
  });

  it('keeps frames in different groups of a camera, and replaces frames of the same group', () => {
    for (const group of ['x', 'y', 'z']) offer(`${group}1`, { group, capacity: 1 });
    assert.deepEqual(drops, []);
    offer('y2', { group: 'y', capacity: 1 });
    assert.deepEqual(drops, ['y1 superseded']);
    assert.deepEqual(drain(), ['x1', 'z1', 'y2']);
  });

  it('serves the groups of a camera in turn, and the cameras in turn regardless of their groups', () => {
    for (const group of ['x', 'y', 'z']) offer(`${group}1`, { group });
    offer('garden1', { camera: 'garden' });
    offer('garden2', { camera: 'garden' });
    const order: string[] = [];
    for (let ticket = queue.next(); ticket; ticket = queue.next()) {
      order.push(ticket.id);
      queue.finish(ticket.id, 'done');
      if (ticket.id === 'x1') offer('x2', { group: 'x' });
    }
    assert.deepEqual(order, ['x1', 'garden1', 'y1', 'garden2', 'z1', 'x2']);
  });

  it('drops the newcomer with the policy "oldest"', () => {
    for (const id of ['a', 'b', 'c']) offer(id, { policy: 'oldest' });
    assert.deepEqual(drops, ['c queue-full']);
    assert.deepEqual(drain(), ['a', 'b']);
  });

  it('refuses the newcomer with the policy "reject"', () => {
    offer('a', { policy: 'reject' });
    offer('b', { policy: 'reject' });
    assert.throws(() => offer('c', { policy: 'reject' }), { code: 'engine-queue-full' });
    assert.deepEqual(drops, []);
    assert.equal(queue.status().porch?.failed, 1);
  });

  it("drops no frame of another camera when one camera's queue is full", () => {
    offer('garden', { camera: 'garden' });
    for (const id of ['a', 'b', 'c']) offer(id);
    assert.deepEqual(drops, ['a superseded']);
  });

  it('keeps a frame of higher priority from being replaced by one of lower', () => {
    offer('a', { capacity: 1, priority: 5 });
    offer('b', { capacity: 1 });
    assert.deepEqual(drops, ['b queue-full']);
    assert.deepEqual(drain(), ['a']);
  });

  it('serves higher priorities first', () => {
    offer('a');
    offer('b', { camera: 'garden', priority: 1 });
    assert.deepEqual(drain(), ['b', 'a']);
  });

  it('takes cameras in turn, however many frames one of them has', () => {
    for (const id of ['a', 'b', 'c']) offer(id, { capacity: 3 });
    offer('x', { camera: 'garden' });
    offer('y', { camera: 'garden' });
    assert.deepEqual(drain(), ['a', 'x', 'b', 'y', 'c']);
  });

  it('drops a frame that waits longer than its maximum age', () => {
    offer('a', { maxAgeMs: 100 });
    offer('b');
    clock.advance(99);
    assert.deepEqual(drops, []);
    clock.advance(1);
    assert.deepEqual(drops, ['a expired']);
    assert.deepEqual(drain(), ['b']);
  });

  it('expires no frame that runs already, and leaves no timer behind', () => {
    offer('a', { maxAgeMs: 100 });
    assert.equal(queue.next()?.id, 'a');
    clock.advance(200);
    assert.deepEqual(drops, []);
    assert.equal(clock.timers, 0);
  });

  it('refuses frames beyond the number and the bytes that may wait in all', () => {
    for (let index = 0; index < 6; index += 1) offer(`f${index}`, { camera: `camera ${index}` });
    assert.throws(() => offer('g', { camera: 'g' }), { code: 'engine-busy' });
    drain();
    assert.throws(() => offer('h', { sizeBytes: 1001 }), { code: 'engine-busy' });
  });

  it('keeps the waiting frame when all queues together are too full for its successor', () => {
    offer('a', { capacity: 1, sizeBytes: 100 });
    offer('other', { camera: 'garden', sizeBytes: 800 });
    assert.throws(() => offer('b', { capacity: 1, sizeBytes: 300 }), { code: 'engine-busy' });
    assert.deepEqual(drops, []);
    assert.deepEqual(drain(), ['a', 'other']);
  });

  it('replaces a waiting frame when all queues together are full but for its place', () => {
    for (let index = 0; index < 6; index += 1) offer(`f${index}`, { camera: `camera ${index}`, capacity: 1 });
    offer('g', { camera: 'camera 3', capacity: 1 });
    assert.deepEqual(drops, ['f3 superseded']);
    assert.equal(queue.waiting, 6);
  });

  it('drops the newcomer alone when only a part of its place could be made', () => {
    offer('high', { priority: 5 });
    offer('low');
    offer('new', { capacity: 1 });
    assert.deepEqual(drops, ['new queue-full']);
    assert.deepEqual(drain(), ['high', 'low']);
  });

  it('counts every offered frame exactly once', () => {
    let offered = 0;
    const policies = ['newest', 'oldest', 'reject'] as const;
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    for (let step = 0; step < 500; step += 1) {
      if (random(3) > 0) {
        offered += 1;
        const camera = ['porch', 'garden', '__proto__'][random(3)] ?? '';
        const policy = policies[random(3)] ?? 'newest';
        try {
          offer(`${step}`, {
            camera,
            policy,
            capacity: 1 + random(3),
            priority: random(3),
            maxAgeMs: 1 + random(50),
          });
        } catch {
          // Counted as failed.
        }
      } else {
        const ticket = queue.next();
        clock.advance(random(10));
        if (ticket)
          queue.finish(
            ticket.id,
            (['done', 'failed', 'deadline', 'cancelled'] as const)[random(4)] ?? 'done',
          );
      }
    }
    let counted = 0;
    for (const { waiting, running, done, failed, dropped } of Object.values(queue.status())) {
      counted += waiting + running + done + failed;
      for (const count of Object.values(dropped)) counted += count;
    }
    assert.equal(counted, offered);
    assert.equal(Object.keys(queue.status()).length, 3);
  });
});
