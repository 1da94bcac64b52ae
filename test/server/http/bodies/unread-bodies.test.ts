import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import fastify from 'fastify';
import { SmolvlmError } from '../../../../src/errors';
import { registerUnreadBodies } from '../../../../src/server/http/bodies/unread-bodies';
import { registerErrors } from '../../../../src/server/http/server-errors';

const bodyBytes = 8_000_000;

describe('a request that is refused before its body has arrived', () => {
  let app: FastifyInstance;
  let caller: Socket;
  let answer: string;

  beforeEach(async () => {
    app = fastify({ bodyLimit: 16_000_000 });
    registerErrors(app);
    registerUnreadBodies(app);
    app.addHook('onRequest', async ({ url }) => {
      if (url !== '/read') throw new SmolvlmError('engine-bodies', 'no room');
    });
    app.post('/*', async () => 'read');
    const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    answer = '';
    caller = connect(Number(url.port), url.hostname);
    caller.on('data', (bytes) => {
      answer += bytes;
    });
  });
  afterEach(async () => {
    caller.destroy();
    await app.close();
  });

  const send = (path: string, headers: string, length = bodyBytes): void => {
    caller.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n${headers}content-length: ${length}\r\n\r\n`,
    );
  };
  const untilAnswered = async (): Promise<void> => {
    while (!/no room/.test(answer)) await once(caller, 'data');
  };

  it('is answered at once, and its caller can send all of it before the connection closes', async () => {
    send('/', 'connection: close\r\n');
    await untilAnswered();
    assert.match(answer, /^HTTP\/1\.1 429 /);
    const closed = once(caller, 'close');
    caller.write(Buffer.alloc(bodyBytes - 1));
    assert.equal(caller.closed, false);
    caller.write('x');
    assert.deepEqual(await closed, [false]);
    assert.equal(caller.bytesWritten > bodyBytes, true);
  });

  it('leaves a connection that is kept to the caller’s next request', async () => {
    send('/', '');
    await untilAnswered();
    caller.write(Buffer.alloc(bodyBytes));
    send('/read', 'connection: close\r\n', 1);
    caller.write('x');
    await once(caller, 'close');
    assert.match(answer, /HTTP\/1\.1 200 OK[\s\S]*read$/);
  });

  it('is closed by the server when the body is too large to be waited for', async () => {
    send('/read', '', 17_000_000);
    while (!/\}\}$/.test(answer)) await once(caller, 'data');
    assert.match(answer, /^HTTP\/1\.1 413 /);
    const closed = once(caller, 'close');
    caller.write(Buffer.alloc(17_000_000));
    assert.deepEqual(await closed, [false]);
  });
});
