import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { unlessAborted } from '../../../src/system/async/unless-aborted';

describe('unlessAborted', () => {
  const never = new Promise<never>(() => {});

  it('gives the value, and leaves no listener at the signal', async () => {
    const { signal } = new AbortController();
    assert.equal(await unlessAborted(Promise.resolve(7), signal), 7);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('passes a failure on, and leaves no listener at the signal', async () => {
    const { signal } = new AbortController();
    await assert.rejects(unlessAborted(Promise.reject(new Error('failed')), signal), /failed/);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it("rejects with the signal's reason when it aborts first", async () => {
    const abort = new AbortController();
    const waiting = unlessAborted(never, abort.signal);
    abort.abort(new Error('cancelled'));
    await assert.rejects(waiting, /cancelled/);
  });

  it("rejects with the reason of a signal that has aborted, whatever the promise's end", async () => {
    const aborted = AbortSignal.abort(new Error('cancelled'));
    await assert.rejects(unlessAborted(never, aborted), /cancelled/);
    await assert.rejects(unlessAborted(Promise.reject(new Error('failed')), aborted), /cancelled/);
  });

  it('waits for the promise alone without a signal', async () => {
    assert.equal(await unlessAborted(Promise.resolve(7), undefined), 7);
  });
});
