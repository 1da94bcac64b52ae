import assert from 'node:assert/strict';
import { publishAnswer } from '../../src/nats/kept-answers';
import { parseNatsAddress } from '../../src/nats/nats-address';
import { openNats } from '../../src/nats/nats-connection';
import type { DescribeFinal, EngineEvent } from '../../src/protocol/events';
import { NatsFake, useNatsFake } from './nats-fake';
import { hasNatsServer } from './test-server';

const picture = Buffer.from('a picture');

function outcome(final: DescribeFinal): string {
  return final.type === 'dropped' ? `dropped ${final.reason}: ${final.message}` : final.type;
}

/** A frame that a hub has taken, and a newer one that has taken its place in the stream. */
async function replacedInWork(fake: NatsFake, lose: () => Promise<void>): Promise<DescribeFinal> {
  const client = fake.client();
  const send = (prompt: string, type: EngineEvent['type']) => {
    let happened = (): void => {};
    const event = new Promise<void>((resolve) => {
      happened = resolve;
    });
    const onEvent = (each: EngineEvent): void => void (each.type === type && happened());
    return { event, final: client.describe({ prompt, camera: 'porch' }, [picture], { onEvent }) };
  };
  const older = send('slow 60000', 'progress');
  await older.event;
  const newer = send('newer', 'queued');
  await newer.event;
  await lose();
  const final = await older.final;
  await fake.hub();
  assert.equal((await newer.final).type, 'result');
  return final;
}

describe('a frame that a newer one replaced while a hub worked on it', function () {
  this.timeout(60_000);
  const fake = useNatsFake();

  it('ends as superseded when its hub is lost', async () => {
    const hub = await fake().hub({ ackWaitMs: 2_000, drainMs: 50 });
    const final = await replacedInWork(fake(), () => hub.cut());
    assert.match(outcome(final), /^dropped superseded: .* took its place, and its hub is lost$/);
  });

  it('ends as superseded when its hub returns it', async () => {
    const hub = await fake().hub({ drainMs: 50 });
    const final = await replacedInWork(fake(), () => hub.close());
    assert.match(outcome(final), /^dropped superseded: .* took its place$/);
  });
});

describe('the answer of a request', function () {
  this.timeout(60_000);

  it('is the first that a hub publishes', async function () {
    if (!hasNatsServer) this.skip();
    const fake = await NatsFake.start();
    await fake.hub();
    const link = await openNats(parseNatsAddress(fake.server.url), 'a test');
    const answer = { type: 'dropped', id: 'one', reason: 'cancelled', message: '' } as const;
    assert.deepEqual([await publishAnswer(link, answer), await publishAnswer(link, answer)], [true, false]);
    await link.connection.close();
    await fake.close();
  });
});
