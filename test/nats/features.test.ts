import assert from 'node:assert/strict';
import type { NatsEngine } from '../../src/nats/client/nats-engine';
import { parseNatsAddress } from '../../src/nats/nats-address';
import { openNats } from '../../src/nats/nats-connection';
import { describePictures } from '../../src/node-red/caption/feature-handles';
import type { DescribeFinal, EngineEvent } from '../../src/protocol/events';
import type { FeatureHandle } from '../../src/protocol/features';
import { useGate } from '../inference/gate';
import { type FakeHub, useNatsFake } from './nats-fake';

const picture = Buffer.from('a picture');

function outcome(final: DescribeFinal): string {
  if (final.type === 'result') return `${final.result.cached ? 'cached' : 'encoded'} ${final.result.prompt}`;
  return final.type === 'error' ? `error ${final.error.code}` : `dropped ${final.reason}`;
}

describe('features in a group of hubs', function () {
  this.timeout(60_000);
  const fake = useNatsFake();
  const gate = useGate();
  let hubs: readonly FakeHub[];
  let client: NatsEngine;
  let handles: readonly FeatureHandle[];
  /** The hub that keeps them. */
  let keeper: FakeHub;
  beforeEach(async () => {
    hubs = [
      await fake().hub({ ackWaitMs: 2_000, drainMs: 50 }),
      await fake().hub({ ackWaitMs: 2_000, drainMs: 50 }),
    ];
    client = fake().client();
    const final = await client.encode({ camera: 'porch' }, [picture]);
    assert.ok(final.type === 'features');
    handles = final.features.handles;
    const engines = await Promise.all(hubs.map(async (hub) => (await hub.engine.status()).instance));
    keeper = hubs[engines.indexOf(handles[0]?.engine ?? '')] as FakeHub;
    assert.ok(keeper);
  });

  /** A question as the caption node asks it: about the features, and with the picture if they are gone. */
  function ask(engine: NatsEngine, prompt: string, onEvent?: (event: EngineEvent) => void): Promise<string> {
    const pictures = { handles, length: 1, group: 'node', read: async () => [picture] };
    return describePictures(engine, { prompt, camera: 'porch' }, pictures, onEvent ? { onEvent } : {}).then(
      outcome,
    );
  }

  async function askedOf(hub: FakeHub): Promise<number> {
    return (await hub.engine.status()).cameras.porch?.done ?? 0;
  }

  it('are used by the hub that keeps them, for every question', async () => {
    const answers = await Promise.all(['one', 'two', 'three'].map((prompt) => ask(client, prompt)));
    assert.deepEqual(answers, ['cached one', 'cached two', 'cached three']);
    assert.equal(await askedOf(keeper), 4);
  });

  it('are encoded again for a client that does not know which hub keeps them', async () => {
    assert.equal(await ask(fake().client(), 'x'), 'encoded x');
  });

  it('are encoded again when a question reaches a hub that does not keep them', async () => {
    const other = hubs.find((hub) => hub !== keeper);
    const engine = await other?.engine.status();
    const { connection, subjects } = await openNats(parseNatsAddress(fake().server.url), 'a test');
    // Its hub passes the question on to the other one, as if the handles were those of that one.
    const keepers = await keeper.engine.status();
    await keeper.close();
    connection.subscribe(subjects.hub(keepers.instance), {
      callback: (_error, message) => {
        connection.publish(subjects.hub(engine?.instance ?? ''), message.data, {
          reply: message.reply ?? '',
        });
      },
    });
    await connection.flush();
    assert.equal(await ask(client, 'x'), 'encoded x');
    await connection.close();
  });

  it('are encoded again by another hub when theirs has ended', async () => {
    await keeper.close();
    assert.equal(await ask(client, 'x'), 'encoded x');
  });

  for (const [how, lose] of [
    ['is lost', (hub: FakeHub) => hub.cut()],
    ['is stopped', (hub: FakeHub) => hub.close()],
  ] as const) {
    it(`are encoded again by another hub when theirs ${how} in the middle of an answer`, async () => {
      let begun = (): void => {};
      const running = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const answer = ask(client, gate().prompt, ({ type }) => type === 'progress' && begun());
      await running;
      await lose(keeper);
      gate().open();
      assert.equal(await answer, `encoded ${gate().prompt}`);
    });
  }
});
