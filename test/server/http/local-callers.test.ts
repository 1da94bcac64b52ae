import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ServedEngine } from '../../../src/server/serve-engine';
import { useCleanup } from '../../cleanup';
import { serveFake } from '../served-fake';

function status(served: ServedEngine, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const get = request(new URL('/v1/status', served.url), { headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    get.once('error', reject);
    get.end();
  });
}

describe('an engine on loopback without a token', () => {
  const cleanup = useCleanup();
  let served: ServedEngine;
  before(async () => {
    served = await serveFake();
  });
  after(() => served.close());

  for (const headers of [
    {},
    { host: 'localhost:8372' },
    { host: '[::1]:8372' },
    { host: '127.0.0.1', origin: 'http://localhost:1880' },
    { host: 'LocalHost:8372', origin: 'http://[::1]:1880' },
  ]) {
    it(`answers ${JSON.stringify(headers)}`, async () => {
      assert.equal(await status(served, headers), 200);
    });
  }

  for (const headers of [
    { host: 'rebound.example' },
    { host: '127.0.0.1.example' },
    { origin: 'https://a-site.example' },
    { origin: 'null' },
    { origin: '' },
    { host: 'localhost.evil.example:8372' },
    { host: 'evil.example:8372/127.0.0.1' },
    { host: '127.0.0.1:80@evil.example' },
    { host: '[::ffff:a00:1]:8372' },
    { host: '0.0.0.0:8372' },
    { origin: 'http://127.0.0.1.nip.example' },
    { origin: 'http://localhost@evil.example' },
    { origin: 'file://' },
    { origin: 'chrome-extension://abcdef' },
  ]) {
    it(`refuses ${JSON.stringify(headers)}, which a web page of another site causes`, async () => {
      assert.equal(await status(served, headers), 403);
    });
  }

  it('answers a monitor that speaks HTTP/1.0 and names no host', async () => {
    const { hostname, port } = new URL(served.url ?? '');
    const socket = connect(Number(port), hostname);
    socket.end('GET /health HTTP/1.0\r\n\r\n');
    assert.match(await text(socket), /^HTTP\/1.1 200 OK/);
  });

  it('answers any host and origin with its token', async () => {
    const token = '0123456789abcdef';
    const guarded = await serveFake({ tcp: { host: '127.0.0.1', port: 0, token } });
    cleanup(() => guarded.close());
    const headers = { host: 'hub.example', origin: 'https://a.example', authorization: `Bearer ${token}` };
    assert.equal(await status(guarded, headers), 200);
  });
});
