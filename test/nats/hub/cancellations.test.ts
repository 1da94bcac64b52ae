import assert from 'node:assert/strict';
import { Cancellations } from '../../../src/nats/hub/cancellations';
import type { HubFrame } from '../../../src/nats/hub/hub-frame';

describe('cancellations of the frames of a hub', () => {
  let nowMs: number;
  let cancelled: string[];
  let frames: Map<string, HubFrame>;
  let cancellations: Cancellations;
  const frame = (id: string): HubFrame =>
    ({ id, cancel: () => void cancelled.push(id) }) as unknown as HubFrame;

  beforeEach(() => {
    nowMs = 0;
    cancelled = [];
    frames = new Map();
    cancellations = new Cancellations(frames, () => nowMs);
  });

  it('hold for frames that the hub has', () => {
    frames.set('a', frame('a'));
    cancellations.cancel('a');
    assert.deepEqual(cancelled, ['a']);
    cancellations.taken(frame('a'));
    assert.deepEqual(cancelled, ['a']);
  });

  it('hold once for frames that come up to 10 s later', () => {
    for (const id of ['a', 'b']) cancellations.cancel(id);
    nowMs = 9_999;
    for (const id of ['a', 'a', 'c']) cancellations.taken(frame(id));
    nowMs = 10_000;
    cancellations.taken(frame('b'));
    assert.deepEqual(cancelled, ['a']);
  });

  it('are kept for the newest 1,000 frames that the hub does not have', () => {
    for (let index = 0; index <= 1_000; index++) cancellations.cancel(`${index}`);
    for (const id of ['0', '1', '1000']) cancellations.taken(frame(id));
    assert.deepEqual(cancelled, ['1', '1000']);
  });
});
