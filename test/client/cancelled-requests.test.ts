import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineClient } from '../../src/client/engine-client';

describe('a cancelled request', () => {
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-cancelled-'));
  let server: Server;
  let client: EngineClient;
  let asked: string[];
  let lease: ServerResponse | undefined;
  /** Holds the answer to a cancellation back until it is resolved. */
  let mayAnswer: Promise<void>;

  beforeEach(async () => {
    asked = [];
    mayAnswer = Promise.resolve();
    server = createServer((request, response) => {
      if (request.url === '/v1/lease') {
        lease = response;
        response.write('{"instance":"one","protocol":1,"version":"0.1.0"}\n');
        return;
      }
      asked.push(`${request.method} ${request.url}`);
      if (request.method === 'POST') response.write('{"type":"queued","id":"a","waiting":0}\n');
      else void mayAnswer.then(() => response.end('{}'));
    });
    const path = join(folder, `${crypto.randomUUID().slice(0, 8)}.sock`);
    server.listen(path);
    await once(server, 'listening');
    client = new EngineClient({ kind: 'socket', path });
  });
  afterEach(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Asks, and calls back once the engine has the request. */
  async function cancelled(whenQueued: (cancel: () => void) => void): Promise<void> {
    const stop = new AbortController();
    const final = await client.describe({ id: 'a', prompt: 'x' }, [new Uint8Array(1)], {
      signal: stop.signal,
      onEvent: () => whenQueued(() => stop.abort()),
    });
    assert.equal(final.type === 'dropped' && final.reason, 'cancelled');
  }

  it('is cancelled in the engine also when the lease was lost meanwhile', async () => {
    await cancelled((cancel) => {
      client.onState((state) => state === 'lost' && cancel());
      lease?.destroy();
    });
    await client.close();
    assert.deepEqual(asked, ['POST /v1/frames/describe', 'DELETE /v1/requests/a']);
  });

  it('is not cancelled in an engine that never had it', async () => {
    await client.open();
    const aborted = AbortSignal.abort();
    const final = await client.describe({ id: 'a', prompt: 'x' }, [], { signal: aborted });
    assert.equal(final.type === 'dropped' && final.reason, 'cancelled');
    await client.close();
    assert.deepEqual(asked, []);
  });

  it('is waited for by every call that closes the client', async () => {
    let answer = (): void => {};
    mayAnswer = new Promise((resolve) => {
      answer = resolve;
    });
    await cancelled((cancel) => cancel());
    const ended: string[] = [];
    const closed = ['first', 'second'].map(async (call) => {
      await client.close();
      ended.push(call);
    });
    while (asked.length < 2) await new Promise(setImmediate);
    assert.deepEqual(ended, []);
    answer();
    await Promise.all(closed);
  });
});
