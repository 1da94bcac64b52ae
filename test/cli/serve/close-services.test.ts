import assert from 'node:assert/strict';
import { closeServices } from '../../../src/cli/serve/close-services';

describe('closeServices', () => {
  it('closes every service although another one fails, and logs the failure', async () => {
    const lines: string[] = [];
    let closed = 0;
    const good = {
      async close() {
        closed += 1;
      },
    };
    const broken = { close: () => Promise.reject(new Error('the broker is gone')) };
    const throwing = {
      close(): Promise<void> {
        throw new Error('already closed');
      },
    };
    await closeServices([good, broken, undefined, throwing, good], (line) => lines.push(line));
    assert.equal(closed, 2);
    assert.deepEqual(lines, ['not closed cleanly: the broker is gone', 'not closed cleanly: already closed']);
  });
});
