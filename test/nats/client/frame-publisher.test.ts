import assert from 'node:assert/strict';
import { FramePublisher } from '../../../src/nats/client/frame-publisher';
import { NatsRequest } from '../../../src/nats/client/nats-request';
import { FrameSubjects } from '../../../src/nats/frame-subjects';
import type { NatsLink } from '../../../src/nats/nats-connection';
import { loadNats } from '../../../src/nats/nats-packages';

describe('a frame that cannot be stored yet', () => {
  /** Publishes two frames of a camera in turn. @returns the ids of those that were sent to the server */
  async function publishBoth(server: {
    readonly info?: (request: number) => Promise<void>;
    readonly store?: (id: string) => void;
    /** Whether the older one is put into the queue after the newer one, e.g. because its answer is looked up before. */
    readonly isOlderLate?: boolean;
  }): Promise<{
    readonly sent: readonly string[];
    readonly older: NatsRequest;
    readonly newer: NatsRequest;
  }> {
    const sent: string[] = [];
    let infos = 0;
    const info = async (): Promise<unknown> => {
      await server.info?.(infos++);
      return { num_pending: 0, config: {} };
    };
    const link = {
      subjects: new FrameSubjects('smolvlm'),
      packages: await loadNats(),
      connection: { info: {}, isClosed: () => false, publish: () => {} },
      manager: { consumers: { info } },
      jetstream: {
        publish: async (_subject: string, _body: Uint8Array, { msgID }: { readonly msgID: string }) => {
          sent.push(msgID);
          server.store?.(msgID);
          return { seq: sent.length };
        },
      },
    } as unknown as NatsLink;
    const publisher = new FramePublisher(link, () => {});
    const [older, newer] = ['older', 'newer'].map(
      (id) => new NatsRequest({ id, camera: 'porch', prompt: 'x' }, [], () => {}),
    ) as [NatsRequest, NatsRequest];
    const reserved = publisher.reserve(older);
    let published: Promise<void> | undefined;
    if (!server.isOlderLate) {
      published = reserved.publish();
      // Its first attempt is made.
      await new Promise(setImmediate);
    }
    await Promise.all([published, publisher.reserve(newer).publish()]);
    await (published ?? reserved.publish());
    newer.drop('cancelled', 'the test has ended');
    const final = await older.final;
    assert.equal(final.type === 'dropped' && final.reason, 'superseded');
    return { sent, older, newer };
  }

  it('is not stored after a newer frame of its camera', async () => {
    const { sent, newer } = await publishBoth({
      store: (id) => {
        if (id === 'older') throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
      },
    });
    assert.deepEqual(sent, ['older', 'newer']);
    assert.equal(newer.place?.sequence, 2);
  });

  it('is not stored when it is put into the queue after the newer one, although it was requested before', async () => {
    const { sent } = await publishBoth({ isOlderLate: true });
    assert.deepEqual(sent, ['newer']);
  });

  it('is not stored at all when the server answers it later than the newer frame', async () => {
    let answerOlder = (): void => {};
    const later = new Promise<void>((resolve) => {
      answerOlder = resolve;
    });
    const { sent } = await publishBoth({
      info: (request) => (request === 0 ? later : Promise.resolve()),
      store: () => answerOlder(),
    });
    assert.deepEqual(sent, ['newer']);
  });
});
