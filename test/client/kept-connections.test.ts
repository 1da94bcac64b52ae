import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSignedCertificate } from '../../src/cli/certificate/self-signed-certificate';
import { EngineClient } from '../../src/client/engine-client';
import { type Endpoint, readJson, sendToEngine } from '../../src/client/engine-http';
import { closeConnections, keepConnections } from '../../src/client/kept-connections';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const empty: Answer = (_request, response) => void response.end('{}');

describe('the connections to an engine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-connections-'));
  const sockets: Socket[] = [];
  let server: Server | undefined;

  afterEach(async () => {
    server?.closeAllConnections();
    if (server?.listening) await new Promise((resolve) => server?.close(resolve));
    sockets.length = 0;
  });
  after(() => rmSync(folder, { recursive: true }));

  /** An engine that counts its connections. */
  async function listen(answer: Answer): Promise<Endpoint> {
    server = createServer(answer).on('connection', (socket: Socket) => sockets.push(socket));
    const socketPath = join(folder, `${crypto.randomUUID().slice(0, 8)}.sock`);
    server.listen(socketPath);
    await once(server, 'listening');
    const endpoint = { socketPath };
    keepConnections(endpoint);
    return endpoint;
  }

  async function get(endpoint: Endpoint, signal?: AbortSignal): Promise<unknown> {
    return readJson(await sendToEngine(endpoint, { method: 'GET', path: '/', ...(signal && { signal }) }));
  }

  it('are kept for the next request', async () => {
    const endpoint = await listen(empty);
    for (let request = 0; request < 5; request++) await get(endpoint);
    assert.equal(sockets.length, 1);
  });

  it('show the pinned certificate once each', async () => {
    const { cert, key } = await selfSignedCertificate({
      names: ['hub'],
      validFrom: new Date(),
      validDays: 1,
    });
    const secure = createTlsServer({ cert, key }, empty);
    let connections = 0;
    secure.on('secureConnection', () => connections++);
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const url = new URL(`https://127.0.0.1:${(secure.address() as AddressInfo).port}`);
    const fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
    const endpoint = { url, fingerprint };
    keepConnections(endpoint);
    try {
      for (let request = 0; request < 3; request++) await get(endpoint);
      assert.equal(connections, 1);
      const other = { url, fingerprint: '0'.repeat(64) };
      for (const kept of [false, true]) {
        if (kept) keepConnections(other);
        await assert.rejects(get(other), { code: 'engine-certificate' });
      }
    } finally {
      closeConnections(endpoint);
      secure.closeAllConnections();
      secure.close();
    }
  });

  it('are not kept without an owner, nor after they were closed', async () => {
    const kept = await listen(empty);
    await get({ ...kept });
    closeConnections(kept);
    await get(kept);
    while (sockets.some(({ destroyed }) => !destroyed)) await new Promise(setImmediate);
    assert.equal(sockets.length, 2);
  });

  it('may be silent for as long as new ones, whatever the server says of idle ones', async () => {
    let timeouts: (number | undefined)[] = [];
    const endpoint = await listen((_request, response) => {
      response.setHeader('keep-alive', 'timeout=2');
      response.end('{}');
    });
    for (let request = 0; request < 3; request++) {
      const response = await sendToEngine(endpoint, { method: 'GET', path: '/' });
      timeouts = [...timeouts, response.socket.timeout];
      await readJson(response);
    }
    assert.equal(sockets.length, 1);
    assert.equal(new Set(timeouts).size, 1);
    assert.ok((timeouts[0] ?? 0) >= 20_000);
  });

  it('are made anew when the engine has closed a kept one while a request was on its way', async () => {
    let requests = 0;
    const endpoint = await listen((request, response) => {
      requests += 1;
      if (requests === 2) request.socket.destroy();
      else response.end(`{"request":${requests}}`);
    });
    await get(endpoint);
    assert.deepEqual(await get(endpoint), { request: 3 });
    assert.equal(sockets.length, 2);
  });

  it('fail a request whose engine ends within the answer, which is not sent again', async () => {
    let requests = 0;
    const endpoint = await listen((request, response) => {
      requests += 1;
      if (requests === 1) response.end('{}');
      else response.write('{', () => request.socket.destroy());
    });
    await get(endpoint);
    await assert.rejects(get(endpoint));
    assert.equal(requests, 2);
  });

  it('belong to one request at a time: a signal that aborts later does not end another', async () => {
    let finish = (): void => {};
    let requests = 0;
    const endpoint = await listen((_request, response) => {
      requests += 1;
      if (requests === 1) response.end('{}');
      else finish = () => response.end('{"whole":true}');
    });
    const first = new AbortController();
    await get(endpoint, first.signal);
    const second = get(endpoint);
    while (requests < 2) await new Promise(setImmediate);
    first.abort(new Error('too late'));
    finish();
    assert.deepEqual(await second, { whole: true });
    assert.equal(sockets.length, 1);
  });

  it('end with the signal of an open request, with its reason', async () => {
    const endpoint = await listen((request, response) => {
      if (request.headers.connection === 'close') response.end('{}');
    });
    const abort = new AbortController();
    const open = get(endpoint, abort.signal);
    while (sockets.length === 0) await new Promise(setImmediate);
    abort.abort(new Error('enough'));
    await assert.rejects(open, /enough/);
    await assert.rejects(get(endpoint, abort.signal), /enough/);
    assert.equal(sockets.length, 1);
  });

  it('are closed when they are idle, and those of open requests once they are answered', async () => {
    let finish = (): void => {};
    let requests = 0;
    const endpoint = await listen((_request, response) => {
      requests += 1;
      if (requests < 3) response.end('{}');
      else finish = () => response.end('{"whole":true}');
    });
    await Promise.all([get(endpoint), get(endpoint)]);
    assert.equal(sockets.length, 2);
    const open = get(endpoint);
    while (requests < 3) await new Promise(setImmediate);
    closeConnections(endpoint);
    while (sockets.filter(({ destroyed }) => !destroyed).length > 1) await new Promise(setImmediate);
    finish();
    assert.deepEqual(await open, { whole: true });
    while (sockets.some(({ destroyed }) => !destroyed)) await new Promise(setImmediate);
  });

  it('are all closed when the client is', async () => {
    const endpoint = await listen((request, response) => {
      if (request.url === '/v1/lease') response.write('{"instance":"one","protocol":1,"version":"0.1.0"}\n');
      else response.write('{"type":"dropped","id":"a","reason":"cancelled","message":"as asked"}\n');
    });
    const { socketPath } = endpoint as { socketPath: string };
    const client = new EngineClient({ kind: 'socket', path: socketPath });
    const final = await client.describe({ id: 'a', prompt: 'x' }, [new Uint8Array(1)]);
    assert.equal(final.type, 'dropped');
    await client.close();
    while (sockets.some(({ destroyed }) => !destroyed)) await new Promise(setImmediate);
    assert.equal(sockets.length, 2);
  });

  it('stay open until a cancelled request is cancelled in the engine, though the client closes', async () => {
    const events: string[] = [];
    const stop = new AbortController();
    const endpoint = await listen((request, response) => {
      if (request.url === '/v1/lease') response.write('{"instance":"one","protocol":1,"version":"0.1.0"}\n');
      else if (request.method === 'POST') {
        response.write('{"type":"queued","id":"a","waiting":0}\n');
        stop.abort();
      } else {
        setImmediate(() => {
          events.push(response.destroyed ? 'connection lost' : `${request.method} ${request.url}`);
          response.end('{}');
        });
      }
    });
    const { socketPath } = endpoint as { socketPath: string };
    const client = new EngineClient({ kind: 'socket', path: socketPath });
    const final = await client.describe({ id: 'a', prompt: 'x' }, [new Uint8Array(1)], {
      signal: stop.signal,
    });
    assert.equal(final.type === 'dropped' && final.reason, 'cancelled');
    await client.close();
    assert.deepEqual(events, ['DELETE /v1/requests/a']);
  });
});
