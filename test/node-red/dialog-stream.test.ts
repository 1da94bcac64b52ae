import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type SendLine, streamToDialog } from '../../src/node-red/dialog-stream';

describe('streamToDialog', () => {
  let server: Server;
  let work: (send: SendLine, gone: AbortSignal) => Promise<void>;

  beforeEach(async () => {
    server = createServer((_request, response) => void streamToDialog(response, work));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it('answers with a line for each event, and ends with the work', async () => {
    work = async (send) => {
      send({ type: 'progress', done: 1 });
      send({ type: 'done' });
    };
    const response = await fetch(address());
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(await response.text(), '{"type":"progress","done":1}\n{"type":"done"}\n');
  });

  it('sends the headers before the first event', async () => {
    let finish = (): void => {};
    work = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const response = await fetch(address());
    assert.equal(response.status, 200);
    finish();
    assert.equal(await response.text(), '');
  });

  it('tells the work when the dialog has closed the connection', async () => {
    const closing = new AbortController();
    const told = new Promise<void>((resolve) => {
      work = (_send, gone) =>
        new Promise((end) => {
          gone.addEventListener('abort', () => {
            resolve();
            end();
          });
        });
    });
    await fetch(address(), { signal: closing.signal });
    closing.abort();
    await told;
  });
});
