import assert from 'node:assert/strict';
import { FrameConsumers } from '../../../src/nats/client/frame-consumers';
import { FrameSubjects } from '../../../src/nats/frame-subjects';
import { isTransient, type NatsLink } from '../../../src/nats/nats-connection';
import { loadNats } from '../../../src/nats/nats-packages';

const kind = { model: undefined, urgent: false };

/** @param answers of the server, in turn; undefined when it finds no consumer */
async function consumersAt(
  answers: readonly (number | undefined)[],
): Promise<{ consumers: FrameConsumers; readonly left: number[] }> {
  const packages = await loadNats();
  const left = answers.map((answer) => answer ?? Number.NaN);
  const info = async (): Promise<unknown> => {
    const waiting = left.shift();
    if (!Number.isNaN(waiting)) return { num_pending: waiting, config: { ack_wait: 7_000_000 } };
    const code = packages.jetstream.JetStreamApiCodes.ConsumerNotFound;
    throw Object.assign(new Error('consumer not found'), { code });
  };
  const link = { packages, subjects: new FrameSubjects('smolvlm'), manager: { consumers: { info } } };
  return { consumers: new FrameConsumers(link as unknown as NatsLink), left };
}

describe('FrameConsumers', () => {
  it('asks the server once for the frames that hubs take, and again after a doubt', async () => {
    const { consumers, left } = await consumersAt([0, 0, 0]);
    for (let frame = 0; frame < 3; frame++) assert.equal(await consumers.isOffered(kind), true);
    assert.equal(left.length, 2);
    assert.equal(consumers.ackWaitMs(kind), 7);
    consumers.doubt(kind);
    assert.equal(await consumers.isOffered(kind), true);
    assert.equal(left.length, 1);
  });

  it('reports at once that no hub has offered them', async () => {
    const { consumers } = await consumersAt([undefined]);
    assert.equal(await consumers.isOffered(kind), false);
  });

  it('is not certain when servers that choose a leader do not find a consumer that was there', async () => {
    const { consumers } = await consumersAt([3, undefined, undefined, 0]);
    assert.equal(await consumers.isOffered(kind), true);
    assert.equal(await consumers.waiting(kind), 1);
    await assert.rejects(consumers.isOffered(kind), (error) => isTransient(error));
    assert.equal(await consumers.isOffered(kind), true);
  });

  it('counts a frame that is being sent among those that wait', async () => {
    const { consumers } = await consumersAt([3]);
    assert.equal(await consumers.waiting(kind), 4);
  });
});
