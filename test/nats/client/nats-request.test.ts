import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { NatsRequest } from '../../../src/nats/client/nats-request';
import { FrameSubjects } from '../../../src/nats/frame-subjects';
import type { NatsLink } from '../../../src/nats/nats-connection';

const place = { subject: 'smolvlm.frames.any.porch.0', sequence: 7 };

describe('a request that is no longer where it waited in the shared queue', () => {
  let request: NatsRequest;
  let lost: number;
  /** What the server says about the place: whether a message holds it. */
  let holds: () => boolean;
  /** Last sequence of the stream. */
  let lastSequence: () => number;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    lost = 0;
    holds = () => false;
    lastSequence = () => 9;
    const getMessage = async (_stream: string, query: { readonly last_by_subj?: string }) =>
      query.last_by_subj === place.subject && holds() ? {} : null;
    const link = {
      subjects: new FrameSubjects('smolvlm'),
      connection: { isClosed: () => true, subscribe: () => ({ unsubscribe: () => {} }) },
      manager: { streams: { getMessage, info: async () => ({ state: { last_seq: lastSequence() } }) } },
    } as unknown as NatsLink;
    request = new NatsRequest({ id: 'one', camera: 'porch' }, [], () => {});
    request.listen(link, () => (lost += 1), 1_000);
    request.placed(place);
  });
  afterEach(() => {
    request.fail(new Error('the test has ended'));
    mock.timers.reset();
  });

  /** Lets time pass in steps, with what is pending in each. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      mock.timers.tick(100);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('is lost, if no message holds its place', async () => {
    await pass(1_600);
    assert.deepEqual([lost, request.isWaiting], [1, true]);
  });

  it('is superseded, if another message holds its place', async () => {
    holds = () => true;
    await pass(3_000);
    const final = await request.final;
    assert.equal(final.type === 'dropped' && final.reason, 'superseded');
    assert.equal(lost, 0);
  });

  it('stays, if it was sent again meanwhile and holds the place itself', async () => {
    holds = () => {
      request.placed({ ...place, sequence: 1 });
      return true;
    };
    await pass(1_900);
    assert.deepEqual([lost, request.isWaiting, request.signal.aborted], [0, true, false]);
  });

  it('stays, if the server does not say who holds the place, and is looked up again', async () => {
    let asked = 0;
    holds = () => {
      asked += 1;
      if (asked === 1) throw new Error('stream not found');
      return false;
    };
    await pass(1_900);
    assert.deepEqual([lost, request.signal.aborted], [0, false]);
    await pass(1_000);
    assert.deepEqual([lost, request.isWaiting], [1, true]);
  });

  describe('after an interruption', () => {
    it('is lost, if the stream is another one', async () => {
      lastSequence = () => 2;
      assert.equal(await request.recover(), true);
    });

    it('is superseded, if the stream is the same', async () => {
      assert.equal(await request.recover(), false);
      await pass(600);
      assert.equal(request.signal.aborted, true);
    });

    it('stays, if it was sent again meanwhile', async () => {
      lastSequence = () => {
        request.placed({ ...place, sequence: 9 });
        return 9;
      };
      assert.equal(await request.recover(), false);
      await pass(600);
      assert.equal(request.signal.aborted, false);
    });
  });
});

describe('a request that is dropped on its way into the shared queue', () => {
  it('is cancelled once it has been taken out of the queue again', async () => {
    const done: string[] = [];
    const link = {
      subjects: new FrameSubjects('smolvlm'),
      connection: {
        isClosed: () => false,
        subscribe: () => ({ unsubscribe: () => {} }),
        publish: (subject: string) => void done.push(subject),
      },
      manager: {
        streams: {
          deleteMessage: async (_stream: string, sequence: number) => {
            await new Promise(setImmediate);
            done.push(`deleted ${sequence}`);
          },
        },
      },
    } as unknown as NatsLink;
    const request = new NatsRequest({ id: 'one', camera: 'porch' }, [], () => {});
    request.listen(link, () => assert.fail('lost'));
    let stored = (): void => {};
    request.sent = new Promise<void>((resolve) => {
      stored = resolve;
    });
    request.drop('shutdown', 'the client was closed');
    const cancelled = request.cancelled.then(() => done.push('cancelled'));
    await new Promise(setImmediate);
    request.placed(place);
    stored();
    await cancelled;
    const subject = link.subjects.cancel('one');
    assert.deepEqual(done, [subject, subject, `deleted ${place.sequence}`, 'cancelled']);
  });
});
