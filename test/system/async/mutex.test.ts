import assert from 'node:assert/strict';
import { Mutex } from '../../../src/system/async/mutex';

describe('Mutex', () => {
  it('runs one at a time, in the order of the calls', async () => {
    const mutex = new Mutex();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`${name} begins`);
      await new Promise(setImmediate);
      log.push(`${name} ends`);
      return name;
    };
    assert.deepEqual(await Promise.all([mutex.run(work('a')), mutex.run(work('b'))]), ['a', 'b']);
    assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('rejects the call that failed and continues with the next', async () => {
    const mutex = new Mutex();
    const failing = mutex.run(() => Promise.reject(new Error('broken')));
    const next = mutex.run(() => 7);
    await assert.rejects(failing, /broken/);
    assert.equal(await next, 7);
  });
});
