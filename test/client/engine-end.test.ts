import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { EngineEnd } from '../../src/client/engine-end';
import { ManualClock } from '../system/manual-clock';
import { useTempFolder } from '../temp-folder';

describe('the end of a local engine', () => {
  const file = useTempFolder();
  let engine: Server;
  let connection: Socket;
  let end: EngineEnd;

  beforeEach(async () => {
    engine = createServer();
    await new Promise<void>((resolve) => engine.listen(file('engine.sock'), resolve));
    const accepted = once(engine, 'connection');
    const watched = await EngineEnd.watch(file('engine.sock'));
    assert.ok(watched);
    end = watched;
    [connection] = (await accepted) as [Socket];
  });
  afterEach(() => {
    connection.destroy();
    engine.close();
  });

  it('is reached when the engine closes its connections, not before', async () => {
    const clock = new ManualClock();
    let isReached = false;
    const reached = end.reached(clock).then(() => (isReached = true));
    clock.advance(11_000);
    await new Promise(setImmediate);
    assert.equal(isReached, false);
    connection.destroy();
    await reached;
    assert.equal(isReached, true);
    assert.equal(clock.timers, 0);
  });

  it('is not reached when the engine has stopped listening, but still closes its models', async () => {
    const stopping = createHttpServer();
    await new Promise<void>((resolve) => stopping.listen(file('stopping.sock'), resolve));
    const accepted = once(stopping, 'connection');
    const watched = await EngineEnd.watch(file('stopping.sock'));
    const [held] = (await accepted) as [Socket];
    assert.ok(watched);
    for (let turn = 0; held.bytesRead === 0 && turn < 1000; turn++) await new Promise(setImmediate);
    let isReached = false;
    const reached = watched.reached(new ManualClock()).then(() => (isReached = true));
    const stopped = once(stopping, 'close');
    stopping.close();
    // A connection to another socket passes through the same event loop: what was closed would have been noticed.
    for (let round = 0; round < 3; round++)
      await EngineEnd.watch(file('engine.sock')).then((other) => other?.close());
    assert.equal(isReached, false);
    stopping.closeAllConnections();
    await Promise.all([reached, stopped]);
  });

  it('is not waited for longer than an engine may take', async () => {
    const clock = new ManualClock();
    const reached = end.reached(clock);
    clock.advance(12_000);
    await reached;
    connection.resume();
    await once(connection, 'close');
  });

  it('is not waited for by a client that is closed', async () => {
    const clock = new ManualClock();
    const closed = new AbortController();
    const reached = end.reached(clock, closed.signal);
    closed.abort();
    await assert.rejects(reached, { name: 'AbortError' });
    assert.equal(clock.timers, 0);
    connection.resume();
    await once(connection, 'close');
  });

  it('has passed where no engine listens', async () => {
    assert.equal(await EngineEnd.watch(file('other.sock')), undefined);
  });
});
