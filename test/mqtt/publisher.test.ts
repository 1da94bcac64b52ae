import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { DescribeTopics } from '../../src/mqtt/describe-topics';
import { Publisher } from '../../src/mqtt/publisher';
import type { ServiceSettings } from '../../src/mqtt/service-settings';
import { FakeTransport } from './transport/fake-transport';

describe('publisher', () => {
  let transport: FakeTransport;
  let publisher: Publisher;

  beforeEach(() => {
    transport = new FakeTransport();
    const settings = { base: 'smolvlm', qos: 1, cameras: [] } as unknown as ServiceSettings;
    publisher = new Publisher({
      ...{ transport, topics: new DescribeTopics('smolvlm'), settings, version: '1.2.3' },
      prepare: () => assert.fail('no picture is published'),
      onTrouble: () => {},
    });
    transport.onConnected(() => publisher.announce());
    transport.connect();
    publisher.send({ topic: 'smolvlm/porch/caption', payload: 'a street', qos: 1, retain: true });
    transport.published.length = 0;
  });

  /** What is published after a reconnection at which the broker delivers these availabilities. */
  async function publishedAfter(
    ...heard: readonly (readonly [text: string, retained: boolean])[]
  ): Promise<string[]> {
    await turn();
    transport.connect();
    for (const [text, retained] of heard) publisher.onAvailability(text, retained);
    await turn();
    return transport.topics();
  }

  it('publishes the captions again for a broker that has lost them', async () => {
    assert.deepEqual(await publishedAfter(['online', false]), [
      'smolvlm/availability',
      'smolvlm/porch/caption',
    ]);
    publisher.onAvailability('online', false);
    assert.equal(transport.topics().length, 2, 'once for each connection');
    assert.equal(transport.restarts, 1);
  });

  it('leaves the captions alone on a broker that has kept them', async () => {
    assert.deepEqual(await publishedAfter(['offline', true], ['online', false]), ['smolvlm/availability']);
  });

  it('publishes online again when the broker publishes offline late', async () => {
    assert.deepEqual(await publishedAfter(['offline', true], ['offline', false]), [
      'smolvlm/availability',
      'smolvlm/availability',
    ]);
  });
});
