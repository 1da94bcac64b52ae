import assert from 'node:assert/strict';
import type { EngineClient } from '../../../src/client/engine-client';
import { parseNatsAddress } from '../../../src/nats/nats-address';
import { openNats } from '../../../src/nats/nats-connection';
import { useNatsFake } from '../nats-fake';

const picture = Buffer.from('a picture');

describe('Hub', function () {
  this.timeout(60_000);
  const fake = useNatsFake();

  it('leaves the frames of models that it does not offer to the hubs that do', async () => {
    const small = await fake().hub();
    const gone = await fake().hub({ models: ['big'] });
    await gone.close();
    const client = fake().client();
    let report = (): void => {};
    const queued = new Promise<void>((resolve) => {
      report = resolve;
    });
    const waits = client.describe({ prompt: 'x', model: 'big', camera: 'porch' }, [picture], {
      onEvent: ({ type }) => type === 'queued' && report(),
    });
    await queued;
    const other = await client.describe({ prompt: 'y', camera: 'gate' }, [picture]);
    assert.equal(other.type, 'result');
    const big = await fake().hub({ models: ['big'] });
    assert.equal((await waits).type, 'result');
    assert.equal((await small.engine.status()).cameras.porch, undefined);
    assert.equal((await big.engine.status()).cameras.porch?.done, 1);
  });

  it('does not work on a frame whose cancellation has overtaken it', async () => {
    await fake().hub();
    const client = fake().client();
    await client.open();
    await fake().say('smolvlm.cancel.early', 'early');
    const final = await client.describe({ id: 'early', prompt: 'slow 600000' }, [picture]);
    assert.equal(final.type === 'dropped' && final.reason, 'cancelled');
  });

  it('replies with an error to a question whose answer is larger than the server allows', async () => {
    await fake().hub({
      wrap: (engine) => replacing(engine, 'doctor', async () => ({ note: 'x'.repeat(2_000_000) })),
    });
    await assert.rejects(fake().client().doctor(), {
      code: 'nats-publish',
      message: /exceeds the limit of the NATS server/,
    });
  });

  it('stays quiet when it is closed before it can answer a question', async () => {
    let finish = (_report: unknown): void => {};
    let ask = (): void => {};
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const hub = await fake().hub({
      wrap: (engine) =>
        replacing(engine, 'doctor', () => {
          ask();
          return new Promise((resolve) => {
            finish = resolve;
          });
        }),
    });
    const client = fake().client();
    const answer = client.doctor().catch((error: unknown) => error);
    await asked;
    await hub.close();
    // Without a connection to reply on, this must not become an unhandled rejection.
    finish({ checks: [] });
    await client.close();
    assert.ok((await answer) instanceof Error);
  });

  it('changes nothing in a stream that was made for something else', async () => {
    const { connection, manager, jetstream } = await openNats(parseNatsAddress(fake().server.url), 'a test');
    await manager.streams.add({ name: 'smolvlm', subjects: ['orders.*'] });
    await jetstream.publish('orders.1', 'two bulbs');
    await assert.rejects(fake().hub(), {
      code: 'nats-stream',
      message:
        /made for something else: expected subjects \["smolvlm\.frames\.>","smolvlm\.urgent\.>"\], received \["orders\.\*"\]/,
    });
    const { config, state } = await manager.streams.info('smolvlm');
    assert.deepEqual([config.subjects, state.messages], [['orders.*'], 1]);
    await connection.close();
  });

  it('says that one server cannot keep three copies', async () => {
    await assert.rejects(fake().hub({ replicas: 3 }), {
      code: 'nats-replicas',
      message: /^3 copies .* at least 3 servers with JetStream, received: one server without a cluster$/,
    });
    await fake().hub();
    await assert.rejects(fake().hub({ replicas: 5 }), { code: 'nats-replicas' });
    assert.equal((await fake().hub({ replicas: 1 })).log.length, 0);
  });

  it('changes nothing in a consumer that was made for something else', async () => {
    const { connection, manager } = await openNats(parseNatsAddress(fake().server.url), 'a test');
    const subjects = ['smolvlm.frames.>', 'smolvlm.urgent.>'];
    const limits = { max_msgs_per_subject: 1, discard: 'old', retention: 'workqueue' } as const;
    await manager.streams.add({ name: 'smolvlm', subjects, ...limits });
    const filter_subject = 'smolvlm.frames._.porch.>';
    await manager.consumers.add('smolvlm', {
      durable_name: 'any-model',
      filter_subject,
      ack_policy: 'explicit',
    });
    await assert.rejects(fake().hub(), {
      code: 'nats-stream',
      message:
        /consumer "any-model" .* expected the subject smolvlm\.frames\._\.> .* received smolvlm\.frames\._\.porch\.>/,
    });
    const { config } = await manager.consumers.info('smolvlm', 'any-model');
    assert.equal(config.filter_subject, filter_subject);
    await connection.close();
  });

  it('gets the questions about features that it has encoded, and nobody answers them when it has ended', async () => {
    const hubs = [await fake().hub(), await fake().hub()];
    const client = fake().client();
    const encoded = await client.encode({ camera: 'porch' }, [picture]);
    assert.ok(encoded.type === 'features');
    const features = encoded.features.handles.map(({ id }) => id);
    const ask = () => client.describe({ prompt: 'x', features, camera: 'porch' }, []);
    for (let question = 0; question < 3; question++) assert.equal((await ask()).type, 'result');
    const done = await Promise.all(
      hubs.map(async ({ engine }) => (await engine.status()).cameras.porch?.done ?? 0),
    );
    assert.deepEqual(done.toSorted(), [0, 4]);
    await hubs[done.indexOf(4)]?.close();
    const answer = await ask();
    assert.equal(answer.type === 'error' && answer.error.code, 'features-gone');
  });

  it('keeps a frame for as long as it works on it, longer than the acknowledgement time', async () => {
    await fake().hub({ ackWaitMs: 2_000 });
    await fake().hub();
    const client = fake().client();
    const final = await client.describe({ prompt: 'slow 3000', camera: 'porch' }, [picture]);
    assert.equal(final.type, 'result');
    const counts = (await client.hubs()).map(({ redelivered }) => redelivered);
    assert.deepEqual(counts, [0, 0]);
  });
});

/** An engine with another method in the place of its own. */
function replacing(
  engine: EngineClient,
  method: keyof EngineClient,
  replacement: () => Promise<unknown>,
): EngineClient {
  return new Proxy(engine, {
    get: (target, name) => {
      if (name === method) return replacement;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
