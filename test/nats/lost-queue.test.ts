import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { startNatsHub } from '../../src/cli/serve/nats-hub';
import { NatsEngine } from '../../src/nats/client/nats-engine';
import { parseNatsAddress } from '../../src/nats/nats-address';
import { outcome } from '../client/outcome';
import { useGate } from '../inference/gate';
import { serveFake } from '../server/served-fake';
import { useNatsFake } from './nats-fake';
import { hasNatsServer, TestNats } from './test-server';

const picture = Buffer.from('a picture');

describe('a queue that is lost while frames wait in it', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();

  /** One frame in progress, and one of another camera that waits. @returns how both end, after `lose` */
  async function ends(lose: () => Promise<void>): Promise<readonly string[]> {
    await fake().hub();
    const client = fake().client({ lookUpMs: 200 });
    const send = (prompt: string, camera: string, type: string) => {
      let happened = (): void => {};
      const event = new Promise<void>((resolve) => {
        happened = resolve;
      });
      const onEvent = (each: { readonly type: string }): void => void (each.type === type && happened());
      return { event, end: client.describe({ prompt, camera }, [picture], { onEvent }).then(outcome) };
    };
    const running = send(gate().prompt, 'porch', 'progress');
    await running.event;
    const waiting = send('waiting', 'gate', 'queued');
    await waiting.event;
    await lose();
    gate().open();
    const both = await Promise.all([running.end, waiting.end]);
    return [...both, await send('next', 'yard', 'queued').end];
  }
  const all = (): readonly string[] => [`result ${gate().prompt}`, 'result waiting', 'result next'];

  it('is made again by a hub when the server comes back with an empty store, and filled by the client', async () => {
    const lose = async (): Promise<void> => {
      await fake().server.kill();
      await fake().server.wipe();
      await fake().server.start();
    };
    assert.deepEqual(await ends(lose), all());
  });

  it('is made again when its stream was deleted', async () => {
    assert.deepEqual(await ends(() => fake().administer(({ streams }) => streams.delete('smolvlm'))), all());
  });

  it('is filled again by the client when it was purged', async () => {
    assert.deepEqual(await ends(() => fake().administer(({ streams }) => streams.purge('smolvlm'))), all());
  });

  it('is pulled again when its consumer was deleted', async () => {
    const lose = () => fake().administer(({ consumers }) => consumers.delete('smolvlm', 'any-model'));
    assert.deepEqual(await ends(lose), all());
  });
});

describe('a bucket of large pictures that is deleted', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();

  it('ends the request whose picture was in it with an error, and is made again by client and hub', async () => {
    const large = Buffer.concat([picture, Buffer.alloc(1_500_000)]);
    await fake().hub();
    const client = fake().client();
    assert.equal(outcome(await client.describe({ prompt: 'first' }, [large])), 'result first');
    let working = (): void => {};
    const taken = new Promise<void>((resolve) => {
      working = resolve;
    });
    const running = client.describe({ prompt: gate().prompt, camera: 'porch' }, [picture], {
      onEvent: ({ type }) => type === 'progress' && working(),
    });
    await taken;
    let queued = (): void => {};
    const waits = new Promise<void>((resolve) => {
      queued = resolve;
    });
    const waiting = client.describe({ prompt: 'waiting', camera: 'gate' }, [large], {
      onEvent: ({ type }) => type === 'queued' && queued(),
    });
    await waits;
    await fake().administer(({ streams }) => streams.delete('OBJ_smolvlm-pictures'));
    gate().open();
    assert.equal(outcome(await running), `result ${gate().prompt}`);
    assert.equal(outcome(await waiting), 'error nats-message');
    assert.equal(outcome(await client.describe({ prompt: 'next' }, [large])), 'result next');
  });
});

describe('a login that is revoked', function () {
  this.timeout(60_000);
  const gate = useGate();

  it('ends the requests that wait, later ones, and the hub, with the reason', async function () {
    if (!hasNatsServer) this.skip();
    const users = 'users: [{ user: me, password: "1" }, { user: hub, password: "2" }]';
    const server = await TestNats.start({ config: `authorization { ${users} }` });
    const at = (user: string, password: string) =>
      parseNatsAddress(server.url.replace('//', `//${user}:${password}@`));
    const served = await serveFake();
    const log: string[] = [];
    const engine = { kind: 'remote', url: new URL(served.url ?? '') } as const;
    const service = startNatsHub(at('hub', '2'), {}, engine, (line) => log.push(line));
    const client = new NatsEngine(at('me', '1'));
    try {
      while (log.length === 0) await delay(5);
      const running = new Promise<void>((resolve) => {
        void client
          .describe({ prompt: gate().prompt }, [picture], {
            onEvent: ({ type }) => type === 'progress' && resolve(),
          })
          .then((final) => ends.push(outcome(final)));
      });
      const ends: string[] = [];
      await running;
      await server.reload((config) => config.replace(/password: "(\d)"/g, 'password: "new-$1"'));
      while (ends.length === 0) await delay(5);
      assert.deepEqual(ends, ['error nats-login']);
      // A hub ends after the frames in progress.
      gate().open();
      assert.equal(outcome(await client.describe({ prompt: 'x' }, [picture])), 'error nats-login');
      await assert.rejects(service.failed, { code: 'nats-login' });
      assert.match(log.join('\n'), /the NATS server has closed the connection/);
    } finally {
      await client.close();
      await service.close();
      await served.close();
      await server.close();
    }
  });
});
