import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { PriorityMutex } from '../../../src/system/async/priority-mutex';

describe('PriorityMutex', () => {
  it('lets others run while the holder steps aside, which goes on before others of its priority', async () => {
    const mutex = new PriorityMutex();
    const log: string[] = [];
    let goOn = (): void => {};
    const first = mutex.enter(async ({ aside }) => {
      log.push('first begins');
      await aside(() => new Promise<void>((resolve) => (goOn = resolve)));
      log.push('first ends');
    });
    const urgent = mutex.enter(async () => {
      log.push('urgent');
      goOn();
      await turn();
    }, 10);
    const second = mutex.enter(async () => void log.push('second'));
    await Promise.all([first, urgent, second]);
    assert.deepEqual(log, ['first begins', 'urgent', 'first ends', 'second']);
  });

  it('is given up by a holder that fails while it is aside', async () => {
    const mutex = new PriorityMutex();
    const failing = mutex.enter(({ aside }) => aside(() => Promise.reject(new Error('cancelled'))));
    await assert.rejects(failing, /cancelled/);
    assert.equal(await mutex.enter(async () => 'free'), 'free');
  });

  it('is not waited for any longer when the signal aborts', async () => {
    const mutex = new PriorityMutex();
    const abort = new AbortController();
    let end = (): void => {};
    const holder = mutex.enter(() => new Promise<void>((resolve) => (end = resolve)));
    const waiting = mutex.enter(async () => assert.fail('it was aborted'), 0, abort.signal);
    abort.abort(new Error('gone'));
    await assert.rejects(waiting, /gone/);
    end();
    await holder;
    assert.equal(await mutex.enter(async () => 'free'), 'free');
  });
});
