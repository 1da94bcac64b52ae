import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { firstUseMs } from '../../src/engine/lifetime';
import { ShiftedClock } from '../system/child-clock/shifted-clock';
import { useTempFolder } from '../temp-folder';
import { serveFake } from './served-fake';

describe('the endpoints of an engine', () => {
  const temp = useTempFolder();

  it('leave no socket behind when the port is taken', async () => {
    const first = await serveFake();
    try {
      const port = Number(new URL(first.url ?? '').port);
      await assert.rejects(
        serveFake({ socketPath: temp('run', 'engine.sock'), tcp: { host: '127.0.0.1', port } }),
        { code: 'engine-listen' },
      );
      assert.equal(existsSync(temp('run', 'engine.sock')), false);
    } finally {
      await first.close();
    }
  });

  it('give the socket to the next engine before the first one has closed', async () => {
    const socketPath = temp('run', 'engine.sock');
    const first = await serveFake({ socketPath });
    const closing = first.close();
    const second = await serveFake({ socketPath });
    await closing;
    assert.ok(existsSync(socketPath));
    await second.close();
  });

  it('are removed by an engine that ends by itself, with the reason in its log', async () => {
    const lines: string[] = [];
    const socketPath = temp('run', 'engine.sock');
    const clock = new ShiftedClock();
    try {
      const served = await serveFake({ socketPath, log: (line) => lines.push(line), idleExitMs: 1 });
      clock.advance(firstUseMs);
      await served.closed;
    } finally {
      clock.restore();
    }
    assert.match(lines.join('\n'), /no client uses this engine: it stops/);
    assert.equal(existsSync(socketPath), false);
  });
});
