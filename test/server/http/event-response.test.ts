import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { EventStream } from '../../../src/engine/event-stream';
import { sendEvents } from '../../../src/server/http/event-response';

describe('an event response', () => {
  let app: FastifyInstance;
  let socket: Socket;
  let respond: (reply: FastifyReply) => Promise<void>;

  beforeEach(async () => {
    app = fastify();
    app.get('/', async (_request, reply) => {
      await respond(reply);
      return reply;
    });
    const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    socket = connect(Number(url.port), url.hostname);
    socket.on('error', () => {});
  });
  afterEach(async () => {
    socket.destroy();
    await app.close();
  });

  const get = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

  for (const when of ['before it begins', 'while it is sent']) {
    it(`leaves its stream and ends when the peer disconnects ${when}`, async () => {
      let left = 0;
      const stream = new EventStream(() => {
        left += 1;
      });
      const ended = new Promise<void>((resolve, reject) => {
        respond = async (reply) => {
          if (when === 'before it begins') {
            const closed = new Promise((done) => reply.raw.once('close', done));
            socket.destroy();
            await closed;
          }
          sendEvents(reply, stream).then(resolve, reject);
          if (when !== 'before it begins') socket.destroy();
          stream.push({ type: 'queued', id: 'a', waiting: 1 });
        };
      });
      socket.write(get);
      await ended;
      assert.equal(left, 1);
    });
  }

  it('leaves the stream of a request sent ahead too, when the peer disconnects before the first is answered', async () => {
    let begun = 0;
    let left = 0;
    const ended: Promise<void>[] = [];
    respond = (reply) => {
      begun += 1;
      const answered = sendEvents(reply, new EventStream(() => (left += 1)));
      ended.push(answered);
      return answered;
    };
    socket.write(get + get);
    while (begun < 2) await new Promise(setImmediate);
    socket.destroy();
    await Promise.all(ended);
    assert.equal(left, 2);
  });

  it('sends every event and ends the response', async () => {
    const stream = new EventStream(() => assert.fail('no reader left'));
    respond = (reply) => sendEvents(reply, stream);
    let text = '';
    const ended = new Promise<void>((resolve) => {
      socket.setEncoding('utf8').on('data', (part) => {
        text += part;
        if (text.endsWith('0\r\n\r\n')) resolve();
      });
    });
    socket.write(get);
    stream.push({ type: 'queued', id: 'a', waiting: 1 });
    stream.push({ type: 'dropped', id: 'a', reason: 'cancelled', message: 'x' });
    await ended;
    assert.match(text, /"type":"queued"[\s\S]*"type":"dropped"/);
  });
});
