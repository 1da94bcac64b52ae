import assert from 'node:assert/strict';
import { AnsweredRequests } from '../../src/engine/answered-requests';
import type { FinalEvent } from '../../src/protocol/events';
import { ManualClock } from '../system/manual-clock';

function dropped(id: string, message = ''): FinalEvent {
  return { type: 'dropped', id, reason: 'cancelled', message };
}

describe('answered requests', () => {
  it('are found for ten minutes', () => {
    const clock = new ManualClock();
    const answered = new AnsweredRequests({ clock });
    answered.add(dropped('a'));
    clock.advance(10 * 60_000);
    assert.deepEqual(answered.get('a'), dropped('a'));
    clock.advance(1);
    assert.equal(answered.get('a'), undefined);
    answered.add(dropped('b'));
    assert.equal(answered.sizeBytes, JSON.stringify(dropped('b')).length);
  });

  it('are forgotten, oldest first, beyond a number', () => {
    const answered = new AnsweredRequests({ clock: new ManualClock(), maxEvents: 2 });
    for (const id of ['a', 'b', 'c']) answered.add(dropped(id));
    assert.deepEqual([answered.get('a'), answered.get('c')?.id], [undefined, 'c']);
  });

  it('hold no more bytes than allowed, thumbnails included', () => {
    const answered = new AnsweredRequests({ clock: new ManualClock(), maxBytes: 10_000 });
    for (let index = 0; index < 50; index += 1) {
      answered.add(dropped(`${index}`, 'x'.repeat(3000)));
      assert.ok(answered.sizeBytes <= 10_000);
    }
    assert.deepEqual(
      ['46', '47', '49'].map((id) => answered.get(id)?.id),
      [undefined, '47', '49'],
    );
  });

  it('count an id that is answered again once', () => {
    const answered = new AnsweredRequests({ clock: new ManualClock() });
    answered.add(dropped('a', 'long'.repeat(100)));
    answered.add(dropped('a'));
    assert.equal(answered.sizeBytes, JSON.stringify(dropped('a')).length);
  });
});
