import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NatsServer } from '../../src/cli/bench/hubs/nats-server';
import { parseNatsAddress } from '../../src/nats/nats-address';
import { openNats } from '../../src/nats/nats-connection';
import { freePort } from '../../src/system/free-port';
import { NatsFake } from './nats-fake';
import { hasNatsServer } from './test-server';

const refused = 'nats-replicas';
const streams = ['smolvlm', 'smolvlm-answers', 'OBJ_smolvlm-pictures'];

describe('copies of the streams', function () {
  this.timeout(120_000);
  let closing: (() => unknown)[] = [];
  beforeEach(function () {
    if (!hasNatsServer) this.skip();
  });
  afterEach(async () => {
    for (const close of closing.toReversed()) await close();
    closing = [];
  });

  /** A cluster on loopback. @returns its addresses, once it has chosen a leader */
  async function cluster(size: number): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'smolvlm-cluster-'));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    const ports = await Promise.all(Array.from({ length: size }, freePort));
    const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
    const servers = await Promise.all(
      ports.map((port, index) =>
        NatsServer.start({
          folder: join(folder, String(index)),
          config: [
            `server_name: "server-${index}"`,
            `cluster { name: "queue", listen: "127.0.0.1:${port}", routes: [${routes}] }`,
          ].join('\n'),
        }),
      ),
    );
    closing.push(() => Promise.all(servers.map((server) => server.stop('SIGKILL'))));
    const url = servers.map((server) => server.url).join(',');
    for (let isReady = false; !isReady; await delay(100)) {
      const link = await openNats(parseNatsAddress(url), 'a test').catch(() => undefined);
      isReady =
        (await link?.manager.streams
          .list()
          .next()
          .catch(() => undefined)) !== undefined;
      await link?.connection.close();
    }
    return url;
  }

  /** A hub is refused until the servers know each other's storage. @param wanted code of its error, if one is wanted */
  async function start(url: string, replicas?: number, wanted?: string): Promise<unknown> {
    const fake = NatsFake.at(parseNatsAddress(url));
    closing.push(() => fake.close());
    for (;;) {
      const result = await fake
        .hub(replicas === undefined ? {} : { replicas })
        .catch((error: unknown) => error as object);
      const code = 'code' in result ? String(result.code) : undefined;
      if (code === wanted || (code !== 'nats-stream' && code !== refused)) return result;
      await delay(100);
    }
  }

  async function copiesAt(url: string): Promise<number[]> {
    const { manager, connection } = await openNats(parseNatsAddress(url), 'a test');
    const infos = await Promise.all(streams.map((name) => manager.streams.info(name)));
    await connection.close();
    return infos.map(({ config }) => config.num_replicas);
  }

  it('are three in a cluster of three, and as many as a hub chooses', async () => {
    const url = await cluster(3);
    await start(url);
    assert.deepEqual(await copiesAt(url), [3, 3, 3]);
    await start(url, 1);
    assert.deepEqual(await copiesAt(url), [1, 1, 1]);
    await start(url);
    assert.deepEqual(await copiesAt(url), [1, 1, 1]);
    await start(url, 3);
    assert.deepEqual(await copiesAt(url), [3, 3, 3]);
    const { code, message } = (await start(url, 5, refused)) as {
      readonly code?: string;
      readonly message?: string;
    };
    assert.equal(code, refused, message);
  });

  it('are one in a cluster of two, where three are refused', async () => {
    const url = await cluster(2);
    const { code, message } = (await start(url, undefined, refused)) as {
      readonly code?: string;
      readonly message?: string;
    };
    assert.equal(code, refused, message);
    assert.match(String(message), /^3 copies of a stream need a cluster of at least 3 servers/);
    await start(url, 1);
    assert.deepEqual(await copiesAt(url), [1, 1, 1]);
  });
});
