import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import fastify from 'fastify';
import {
  BodyBudget,
  bodyBudgetBytes,
  registerBodyBudget,
} from '../../../../src/server/http/bodies/body-budget';
import { refuseMalformed } from '../../../../src/server/http/malformed-requests';
import { registerErrors } from '../../../../src/server/http/server-errors';
import { useCleanup } from '../../../cleanup';

const megabyte = 1024 * 1024;

describe('the memory of request bodies', () => {
  it('is shared by all callers, with room kept for small ones', () => {
    const budget = new BodyBudget(100 * megabyte);
    const first = budget.take(57 * megabyte);
    assert.throws(() => budget.take(57 * megabyte), { code: 'engine-bodies' });
    const second = budget.take(43 * megabyte);
    const small = Array.from({ length: 8 }, () => budget.take(4 * megabyte));
    assert.throws(() => budget.take(1), { code: 'engine-bodies' });
    for (const release of [first, second, ...small]) release();
    assert.equal(budget.usedBytes, 0);
  });

  it('is half of the memory limit at most, and enough for the largest body', () => {
    assert.equal(bodyBudgetBytes(1536 * megabyte), 192 * megabyte);
    assert.equal(bodyBudgetBytes(100 * megabyte), 64 * megabyte);
    assert.equal(bodyBudgetBytes(64 * 1024 * megabyte), 512 * megabyte);
  });

  it('is free again when a connection is lost whose second request came before the first was answered', async () => {
    const app = fastify();
    const budget = new BodyBudget(megabyte);
    registerBodyBudget(app, budget);
    app.post('/', () => new Promise(() => {}));
    const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(url.port), '127.0.0.1');
    const post = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\none';
    socket.write(post + post);
    while (budget.usedBytes < 6) await new Promise(setImmediate);
    socket.destroy();
    while (budget.usedBytes > 0) await new Promise(setImmediate);
    await app.close();
  });

  it('refuses a body with 429 before it is read, and has room again when the other is answered', async () => {
    const app = fastify({ bodyLimit: 64 * megabyte, forceCloseConnections: true });
    const budget = new BodyBudget(megabyte / 2 - 32 * megabyte);
    registerErrors(app);
    registerBodyBudget(app, budget);
    app.post('/', async () => 'read');
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    try {
      const held = request(url, {
        method: 'POST',
        headers: { 'content-length': '400000', 'content-type': 'text/plain' },
      });
      held.write('x');
      while (budget.usedBytes === 0) await new Promise(setImmediate);
      const text = { method: 'POST', headers: { 'content-type': 'text/plain' } };
      const refused = await fetch(url, { ...text, body: 'x'.repeat(200_000) });
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get('retry-after'), '5');
      held.end('x'.repeat(399_999));
      const [answer] = await once(held, 'response');
      answer.resume();
      await once(answer, 'end');
      while (budget.usedBytes > 0) await new Promise(setImmediate);
      assert.equal((await fetch(url, { ...text, body: 'x'.repeat(200_000) })).status, 200);
    } finally {
      await app.close();
    }
  });
});

describe('a request that arrives too slowly', () => {
  const cleanup = useCleanup();
  for (const [what, sent] of [
    ['headers', 'POST / HTTP/1.1\r\nhost: x\r\n'],
    ['body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\nx'],
  ] as const) {
    it(`is ended while its ${what} is missing`, async () => {
      const app = fastify({
        requestTimeout: 20,
        http: { connectionsCheckingInterval: 10, headersTimeout: 20 },
        clientErrorHandler: refuseMalformed,
      });
      app.post('/', async () => 'read');
      cleanup(() => app.close());
      const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
      const socket = connect(Number(url.port), url.hostname, () => socket.write(sent));
      let answer = '';
      socket.on('data', (bytes) => {
        answer += bytes;
      });
      await once(socket, 'close');
      assert.match(answer, /^HTTP\/1\.1 408 /);
      assert.match(answer, /expected the whole request in time/);
    });
  }
});
