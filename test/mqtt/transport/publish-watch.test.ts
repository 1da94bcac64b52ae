import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { OutgoingMessage, PublishOutcome } from '../../../src/mqtt/transport/mqtt-transport';
import { PublishWatch } from '../../../src/mqtt/transport/publish-watch';
import { FakeClient } from './fake-client';

const kilobytes = (count: number): Buffer => Buffer.alloc(1024 * count);

describe('PublishWatch', () => {
  let client: FakeClient;
  let watch: PublishWatch;
  let outcomes: Map<OutgoingMessage, PublishOutcome>;

  beforeEach(() => {
    client = new FakeClient();
    watch = new PublishWatch();
    watch.attach(client);
    outcomes = new Map();
  });

  function message(topic: string, payload: Buffer | string = 'x'): OutgoingMessage {
    return { topic, payload, qos: 1, retain: true };
  }

  function publish(sent: OutgoingMessage): OutgoingMessage {
    void watch.publish(client, sent, client.send).then((outcome) => outcomes.set(sent, outcome));
    return sent;
  }

  async function outcome(sent: OutgoingMessage): Promise<string | undefined> {
    await turn();
    const found = outcomes.get(sent);
    return found?.kind === 'refused' ? `refused: ${found.reason}` : found?.kind;
  }

  it('reports a message as sent when it is acknowledged', async () => {
    const sent = publish(message('a'));
    assert.equal(await outcome(sent), undefined);
    client.acknowledge(1);
    assert.equal(await outcome(sent), 'sent');
  });

  it('reports the reason of a refusing acknowledgement', async () => {
    const sent = publish(message('a'));
    client.acknowledge(1, Object.assign(new Error('Publish error: Not authorized'), { code: 0x87 }));
    assert.equal(await outcome(sent), 'refused: Not authorized');
  });

  it('takes back what is in flight when the connection ends, so that it is not sent before the subscriptions', async () => {
    const first = publish(message('a'));
    const second = publish(message('b'));
    client.emit('close');
    assert.deepEqual(client.removed, [1, 2]);
    assert.deepEqual([await outcome(first), await outcome(second)], ['unsent', 'unsent']);
  });

  it('sends a message that is larger than any before it alone', async () => {
    publish(message('a'));
    const large = publish(message('a/picture', kilobytes(100)));
    const next = publish(message('b'));
    assert.equal(client.outgoing.size, 1);
    client.acknowledge(1);
    assert.equal(client.outgoing.size, 1);
    client.acknowledge(2);
    client.acknowledge(3);
    assert.deepEqual([await outcome(large), await outcome(next)], ['sent', 'sent']);
    publish(message('a/picture', kilobytes(90)));
    publish(message('c'));
    assert.equal(client.outgoing.size, 2, 'the broker has taken a larger one');
  });

  it('blames a large message when the broker accepts the next connection at once, and learns a limit', async () => {
    const large = publish(message('a/picture', kilobytes(1000)));
    client.emit('close');
    assert.equal(await outcome(large), undefined);
    client.emit('connect');
    assert.match((await outcome(large)) ?? '', /^refused: the broker closed the connection/);
    assert.equal(watch.learnedBytes, 128 * 1024);
    const smaller = publish(message('a/picture', kilobytes(127)));
    client.emit('close');
    client.emit('connect');
    assert.match((await outcome(smaller)) ?? '', /^refused/);
    assert.equal(watch.learnedBytes, 8 * 1024, 'no second guess');
  });

  it('does not blame a message when the broker is away', async () => {
    const large = publish(message('a/picture', kilobytes(1000)));
    client.emit('close');
    client.emit('error', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
    client.emit('close');
    assert.equal(await outcome(large), 'unsent');
    client.emit('connect');
    assert.equal(watch.learnedBytes, undefined);
  });

  for (const [name, fail] of [
    ['the keepalive runs out', () => client.emit('error', new Error('Keepalive timeout'))],
    [
      'the network fails',
      () => client.emit('error', Object.assign(new Error('x'), { code: 'EHOSTUNREACH' })),
    ],
    ['the broker shuts down', () => client.emit('disconnect', { reasonCode: 0x8b })],
  ] as const) {
    it(`does not blame a message when ${name}, but does not send it a third time`, async () => {
      const large = message('a/picture', kilobytes(1000));
      publish(large);
      fail();
      client.emit('close');
      assert.equal(await outcome(large), 'unsent');
      client.emit('connect');
      publish(large);
      fail();
      client.emit('close');
      assert.equal(await outcome(large), 'refused: the connection ended twice while it was sent');
      assert.equal(watch.learnedBytes, undefined, 'not for its size');
    });
  }

  it('trusts an MQTT 5 broker that names the reason', async () => {
    const large = publish(message('a/picture', kilobytes(300)));
    client.emit('disconnect', { reasonCode: 0x95 });
    client.emit('close');
    assert.equal(await outcome(large), 'refused: packet too large');
    assert.equal(watch.learnedBytes, 128 * 1024);
  });

  it('finds the message that breaks the connection among several by sending each alone', async () => {
    const [first, second] = [message('a'), message('b')];
    publish(first);
    publish(second);
    client.emit('close');
    client.emit('connect');
    publish(first);
    publish(second);
    assert.deepEqual([...client.outgoing.keys()], [3]);
    client.acknowledge(3);
    assert.equal(await outcome(first), 'sent');
    client.emit('close');
    client.emit('connect');
    assert.match((await outcome(second)) ?? '', /^refused/);
  });

  it('gives a message on a topic that the broker has taken before a second attempt', async () => {
    publish(message('a'));
    client.acknowledge(1);
    const usual = message('a', 'y');
    publish(usual);
    client.emit('close');
    client.emit('connect');
    assert.equal(await outcome(usual), 'unsent', 'on a shared connection it may be another');
    publish(usual);
    client.emit('close');
    assert.match((await outcome(usual)) ?? '', /^refused/);
  });

  it('ends a connection on which MQTT.js could not read the refusal of a large message', async () => {
    const large = publish(message('a/picture', kilobytes(300)));
    client.emit('error', new Error('Invalid puback reason code'));
    assert.equal(await outcome(large), 'refused: packet too large');
    assert.ok(client.broken);
  });

  it('drops a learned limit when the broker has restarted', async () => {
    publish(message('a/picture', kilobytes(1000)));
    client.emit('close');
    client.emit('connect');
    assert.equal(watch.learnedBytes, 128 * 1024);
    watch.forgetLimit();
    assert.equal(watch.learnedBytes, undefined);
  });

  it('fails open deliveries when it is closed', async () => {
    const sent = publish(message('a'));
    const large = publish(message('b', kilobytes(100)));
    watch.close();
    assert.deepEqual([await outcome(sent), await outcome(large)], ['unsent', 'unsent']);
  });
});
