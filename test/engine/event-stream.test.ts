import assert from 'node:assert/strict';
import { EventStream } from '../../src/engine/event-stream';
import type { EngineEvent } from '../../src/protocol/events';

const id = 'a';

async function read(stream: EventStream): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('event stream', () => {
  it('keeps one unread event of each type, the newest progress and all tokens', async () => {
    const stream = new EventStream();
    stream.push({ type: 'queued', id, waiting: 1 });
    for (let done = 1; done <= 500; done += 1) {
      stream.push({ type: 'token', id, text: `${done} ` });
      stream.push({ type: 'progress', id, phase: 'decode', done, total: 500 });
    }
    stream.push({ type: 'dropped', id, reason: 'cancelled', message: 'x' });
    const events = await read(stream);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['queued', 'token', 'progress', 'dropped'],
    );
    const [, token, progress] = events;
    const numbers = Array.from({ length: 500 }, (_, index) => `${index + 1} `);
    assert.equal(token?.type === 'token' && token.text, numbers.join(''));
    assert.equal(progress?.type === 'progress' && progress.done, 500);
  });

  it('keeps the warning of a step that was not read', async () => {
    const stream = new EventStream();
    const warning = { code: 'npu-slow', message: 'stage l3_mlp has been on the NPU for 5 s' };
    stream.push({ type: 'progress', id, phase: 'vision', done: 3, total: 24, warning });
    stream.push({ type: 'progress', id, phase: 'vision', done: 4, total: 24 });
    stream.push({ type: 'dropped', id, reason: 'cancelled', message: 'x' });
    const [progress] = await read(stream);
    assert.deepEqual(progress, { type: 'progress', id, phase: 'vision', done: 4, total: 24, warning });
  });

  it('passes every event to a reader that keeps up', async () => {
    const stream = new EventStream();
    const reader = stream[Symbol.asyncIterator]();
    for (const text of ['a', 'b', 'c']) {
      stream.push({ type: 'token', id, text });
      assert.deepEqual((await reader.next()).value, { type: 'token', id, text });
    }
  });

  it('ends after the final event, and without one when it is cut', async () => {
    const ended = new EventStream();
    ended.push({ type: 'dropped', id, reason: 'cancelled', message: 'x' });
    ended.push({ type: 'queued', id, waiting: 1 });
    assert.equal((await read(ended)).length, 1);
    const cut = new EventStream(() => assert.fail('the reader did not leave'));
    cut.push({ type: 'queued', id, waiting: 1 });
    cut.cut();
    assert.equal((await read(cut)).length, 1);
  });

  it('reports a reader that leaves early, once', async () => {
    let left = 0;
    const stream = new EventStream(() => {
      left += 1;
    });
    stream.push({ type: 'queued', id, waiting: 1 });
    for await (const _event of stream) break;
    stream.leave();
    assert.equal(left, 1);
  });
});
