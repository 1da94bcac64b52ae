import assert from 'node:assert/strict';
import { FramePublisher } from '../../src/nats/frame-publisher';
import { FrameSubjects } from '../../src/nats/frame-subjects';
import type { NatsLink } from '../../src/nats/nats-connection';
import { loadNats } from '../../src/nats/nats-packages';
import { NatsRequest } from '../../src/nats/nats-request';

describe('a frame that cannot be stored yet', () => {
  it('is not stored after a newer frame of its camera', async () => {
    const attempts: string[] = [];
    const link = {
      subjects: new FrameSubjects('smolvlm'),
      packages: await loadNats(),
      connection: { info: {}, isClosed: () => false, publish: () => {} },
      manager: { consumers: { info: async () => ({ num_pending: 0, config: {} }) } },
      jetstream: {
        publish: async (_subject: string, _body: Uint8Array, { msgID }: { readonly msgID: string }) => {
          attempts.push(msgID);
          if (msgID === 'newer') return { seq: 1 };
          throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
        },
      },
    } as unknown as NatsLink;
    const publisher = new FramePublisher(link, () => {});
    const [older, newer] = ['older', 'newer'].map(
      (id) => new NatsRequest({ id, camera: 'porch', prompt: 'x' }, [], () => {}),
    );
    assert.ok(older && newer);
    await Promise.all([publisher.publish(older), publisher.publish(newer)]);
    const final = await older.final;
    assert.equal(final.type === 'dropped' && final.reason, 'superseded');
    assert.deepEqual(attempts, ['older', 'newer']);
    assert.equal(newer.place?.sequence, 1);
    newer.drop('cancelled', 'the test has ended');
  });
});
