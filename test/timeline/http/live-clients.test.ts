import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { LiveTimelines, liveLimits } from '../../../src/timeline/http/live-clients';
import type { Exchange } from '../../../src/timeline/http/timeline-response';
import { ManualClock } from '../../system/manual-clock';
import { MemoryTimeline } from '../memory-timeline';

/** A response that keeps what is written. */
class KeptResponse extends EventEmitter {
  text = '';
  ended = false;
  destroyed = false;
  writableLength = 0;

  writeHead(): this {
    return this;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  end(): void {
    this.ended = true;
    this.emit('close');
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('streams of new entries', () => {
  const clock = new ManualClock();
  const limits = { ...liveLimits, clients: 2 };
  let store: MemoryTimeline;
  let live: LiveTimelines;
  let isServed = true;
  beforeEach(() => {
    store = new MemoryTimeline();
    live = new LiveTimelines(clock, limits);
    isServed = true;
  });

  function open(): KeptResponse {
    const response = new KeptResponse();
    const exchange = { request: { method: 'GET' }, response, params: {} } as unknown as Exchange;
    live.of(store).open(exchange, () => isServed);
    return response;
  }

  it('are bounded, and a page that leaves makes room for the next', () => {
    const first = open();
    open();
    assert.throws(open, { code: 'timeline-pages' });
    first.end();
    open();
    assert.equal(store.listeners, 1);
  });

  it('send a heartbeat, and end after their time, so that an expired login is noticed', () => {
    const response = open();
    clock.advance(limits.heartbeatMs);
    assert.match(response.text, /: alive\n\n$/);
    clock.advance(limits.lifetimeMs);
    assert.ok(response.ended);
    assert.deepEqual([store.listeners, clock.timers], [0, 0]);
  });

  it('leave a page that does not read', async () => {
    const [slow, quick] = [open(), open()];
    slow.writableLength = limits.unreadBytes + 1;
    await store.add({ camera: 'porch', text: 'A cat.' });
    assert.deepEqual([slow.destroyed, quick.destroyed], [true, false]);
    assert.match(quick.text, /A cat/);
    quick.end();
  });

  it('end once the timeline is closed, so that the page looks for the one that follows', () => {
    const response = open();
    isServed = false;
    clock.advance(limits.heartbeatMs);
    assert.ok(response.ended);
    assert.equal(clock.timers, 0);
  });
});
