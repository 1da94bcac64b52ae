import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectionState } from '../../src/client/engine-api';
import { EngineClient } from '../../src/client/engine-client';
import type { DescribeFinal } from '../../src/protocol/events';
import { NdjsonDecoder } from '../../src/protocol/ndjson';
import { systemClock } from '../../src/system/clock';
import { useCleanup } from '../cleanup';
import { serveFake } from '../server/served-fake';

const picture = Buffer.from('a picture');

function code(final: DescribeFinal): string {
  return final.type === 'error' ? final.error.code : final.type;
}

describe('remote engine', () => {
  const cleanup = useCleanup();

  /** Listens, as something that is not an engine. */
  async function clientOf(server: Server): Promise<EngineClient> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanup(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const client = new EngineClient({ kind: 'remote', url });
    cleanup(() => client.close());
    return client;
  }

  it('that is not running is reported after some tries', async () => {
    const closedServer = createServer();
    await new Promise<void>((resolve) => closedServer.listen(0, '127.0.0.1', resolve));
    const { port } = closedServer.address() as AddressInfo;
    await new Promise((resolve) => closedServer.close(resolve));
    const url = new URL(`http://127.0.0.1:${port}`);
    const client = new EngineClient({ kind: 'remote', url }, { unreachableMs: 150 });
    cleanup(() => client.close());
    const final = await client.describe({}, [picture]);
    assert.equal(code(final), 'engine-unreachable');
    assert.match(final.type === 'error' ? final.error.message : '', /ECONNREFUSED/);
    // Further away than a timer reaches.
    assert.equal(code(await client.describe({ deadlineMs: 5e9 }, [picture])), 'engine-unreachable');
  });

  it('is tried for its whole time, though the wall clock is set forward meanwhile', async () => {
    const closedServer = createServer();
    await new Promise<void>((resolve) => closedServer.listen(0, '127.0.0.1', resolve));
    const { port } = closedServer.address() as AddressInfo;
    await new Promise((resolve) => closedServer.close(resolve));
    const client = new EngineClient({ kind: 'remote', url: new URL(`http://127.0.0.1:${port}`) });
    const { now } = Date;
    let tries = 0;
    const thirdTry = new Promise<void>((resolve) => {
      client.onState((state) => {
        if (state !== 'connecting') return;
        tries += 1;
        Date.now = () => now() + 3_600_000;
        if (tries === 3) resolve();
      });
    });
    const opened = client.open();
    try {
      await Promise.race([thirdTry, opened]);
    } finally {
      Date.now = now;
      await client.close();
    }
    await assert.rejects(opened, { code: 'client-closed' });
  });

  it('that ends before it tells its status, twice, is reported as out of reach', async () => {
    const lost = createServer((request, response) => {
      if (request.url === '/v1/lease') response.write('{"instance":"one","protocol":1,"version":"0.1.0"}\n');
      else request.socket.destroy();
    });
    await new Promise<void>((resolve) => lost.listen(0, '127.0.0.1', resolve));
    const url = new URL(`http://127.0.0.1:${(lost.address() as AddressInfo).port}`);
    const client = new EngineClient({ kind: 'remote', url });
    try {
      await assert.rejects(client.status(), { code: 'engine-unreachable' });
    } finally {
      await client.close();
      lost.closeAllConnections();
      lost.close();
    }
  });

  it('that is not an engine is reported', async () => {
    const other = createServer((_request, response) => response.end('<html>a router</html>\n'));
    const client = await clientOf(other);
    assert.equal(code(await client.describe({}, [picture])), 'protocol-bad-line');
  });

  it('that is something else is disconnected from at once', async () => {
    let disconnected = (): void => {};
    const closed = new Promise<void>((resolve) => {
      disconnected = resolve;
    });
    const other = createServer((_request, response) => {
      response.once('close', disconnected);
      response.write('data: hello\n');
    });
    const client = await clientOf(other);
    await assert.rejects(client.open(), { code: 'protocol-bad-line' });
    await closed;
  });

  it('that answers without end is given up', async () => {
    const piece = 'x'.repeat(1024 * 1024);
    const other = createServer((_request, response) => {
      const more = (): void => {
        while (response.write(piece));
      };
      response.statusCode = 500;
      response.on('drain', more);
      more();
    });
    const client = await clientOf(other);
    assert.equal(code(await client.describe({}, [picture])), 'engine-answer');
  });

  it('that is stopped and started on the same port answers what waited', async () => {
    const first = await serveFake();
    cleanup(() => first.close());
    const url = new URL(first.url ?? '');
    const client = new EngineClient({ kind: 'remote', url });
    cleanup(() => client.close());
    const states: ConnectionState[] = [];
    client.onState((state) => states.push(state));
    let running = (): void => {};
    const started = new Promise<void>((resolve) => {
      running = resolve;
    });
    const slow = client.describe({ prompt: 'slow 100' }, [picture], {
      onEvent: ({ type }) => type === 'progress' && running(),
    });
    const waiting = client.describe({ prompt: 'waiting' }, [picture]);
    await started;
    await first.close();
    const second = await serveFake({ tcp: { host: '127.0.0.1', port: Number(url.port) } });
    cleanup(() => second.close());
    assert.deepEqual([code(await slow), code(await waiting)], ['result', 'result']);
    await client.close();
    assert.ok(states.includes('lost'));
    assert.deepEqual([states[0], states.at(-1)], ['connecting', 'closed']);
  });

  it('that is stopped while nothing waits for it is connected again when it is back', async () => {
    const first = await serveFake();
    cleanup(() => first.close());
    const url = new URL(first.url ?? '');
    const client = new EngineClient({ kind: 'remote', url });
    cleanup(() => client.close());
    const becomes = (wanted: ConnectionState) =>
      new Promise<void>((resolve) => client.onState((state) => state === wanted && resolve()));
    await client.open();
    const lost = becomes('lost');
    await first.close();
    await lost;
    const states: ConnectionState[] = [];
    client.onState((state) => states.push(state));
    const connected = becomes('connected');
    const second = await serveFake({ tcp: { host: '127.0.0.1', port: Number(url.port) } });
    cleanup(() => second.close());
    await connected;
    assert.deepEqual(states, ['connected']);
    assert.equal(code(await client.describe({}, [picture])), 'result');
    assert.deepEqual(states, ['connected']);
  });

  describe('that was lost while nothing waits for it', () => {
    /** Answers leases one after the other. @returns its client, and a wait for a number of leases */
    async function losing(...answers: readonly ((response: ServerResponse) => void)[]) {
      let came = (): void => {};
      let leases = 0;
      const stub = createServer((_request, response) => {
        answers[leases]?.(response);
        leases += 1;
        came();
      });
      const client = await clientOf(stub);
      const until = async (count: number): Promise<void> => {
        while (leases < count) {
          await new Promise<void>((resolve) => {
            came = resolve;
          });
        }
      };
      const origin = `http://127.0.0.1:${(stub.address() as AddressInfo).port}`;
      return { client, until, origin };
    }
    /** @returns how often a look has been planned */
    function countLooks(): () => number {
      const { after } = systemClock;
      let looks = 0;
      systemClock.after = (ms, callback, options) => {
        // Image processes of earlier tests are ended by longer timers.
        if (options?.keepsProcess === false && ms < 10_000) looks += 1;
        return after(ms, callback, options);
      };
      cleanup(() => {
        systemClock.after = after;
      });
      return () => looks;
    }
    const lease = (response: ServerResponse): void =>
      void response.write('{"instance":"one","protocol":1,"version":"0.1.0"}\n');
    const lose = (response: ServerResponse): void => {
      lease(response);
      setImmediate(() => response.destroy());
    };

    it('is not asked again after it has refused', async () => {
      const refuse = (response: ServerResponse): void => {
        response.statusCode = 401;
        response.end('{"error":{"code":"request-unauthorized","message":"a token is needed"}}');
      };
      const { client, until, origin } = await losing(lose, refuse, refuse, refuse);
      const looks = countLooks();
      await client.open();
      await until(2);
      // Answered after the refusal.
      await (await fetch(origin)).text();
      assert.equal(looks(), 1);
      await assert.rejects(client.open(), { code: 'request-unauthorized' });
      assert.equal(looks(), 1);
    });

    it('is looked for, and waited for by a request, while a proxy does not reach it', async () => {
      const badGateway = (response: ServerResponse): void => {
        response.statusCode = 502;
        response.end('<html>502 Bad Gateway</html>');
      };
      const { client } = await losing(lose, badGateway, badGateway, lose, badGateway, lease);
      await client.open();
      const connected = new Promise<void>((resolve) => {
        client.onState((state) => state === 'connected' && resolve());
      });
      await connected;
      await new Promise<void>((resolve) => client.onState((state) => state === 'lost' && resolve()));
      await client.open();
      assert.equal(client.state, 'connected');
    });

    it('is not looked for while a listener to the state connects', async () => {
      const { client } = await losing(lose, lease);
      const looks = countLooks();
      const opened = new Promise<void>((resolve) => {
        client.onState((state) => state === 'lost' && resolve(client.open()));
      });
      await client.open();
      await opened;
      assert.equal(looks(), 0);
    });

    it('is leased once by a request that comes when the engine has just been found', async () => {
      const { client } = await losing(lose, lease, lease);
      const looks = countLooks();
      await client.open();
      const states: ConnectionState[] = [];
      client.onState((state) => states.push(state));
      const { push } = NdjsonDecoder.prototype;
      await new Promise<void>((resolve) => {
        NdjsonDecoder.prototype.push = function (bytes) {
          NdjsonDecoder.prototype.push = push;
          queueMicrotask(() => resolve(client.open()));
          return push.call(this, bytes);
        };
      });
      assert.deepEqual(states, ['lost', 'connecting', 'connected']);
      assert.equal(looks(), 1);
    });

    it('does not hold up a request while it is silent', async () => {
      const { client, until } = await losing(lose, () => {}, lease);
      await client.open();
      await until(2);
      await client.open();
      assert.equal(client.state, 'connected');
    });

    it('is looked for until it is back', async () => {
      const end = (response: ServerResponse): void => void response.destroy();
      const { client, until } = await losing(lose, end, end, lease);
      await client.open();
      await until(4);
      while (client.state !== 'connected') await new Promise((resolve) => setImmediate(resolve));
    });
  });
});
