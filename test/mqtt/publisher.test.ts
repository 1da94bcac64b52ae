import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { DescribeTopics } from '../../src/mqtt/describe-topics';
import { Publisher } from '../../src/mqtt/publisher';
import type { ServiceSettings } from '../../src/mqtt/service-settings';
import type { OutgoingMessage } from '../../src/mqtt/transport/mqtt-transport';
import { FakeTransport } from './transport/fake-transport';

/** A connection that can break under way: what was being published is lost, and that is told late. */
class BreakingTransport extends FakeTransport {
  readonly underWay: ((sent: boolean) => void)[] = [];
  breaking = false;

  override publish(message: OutgoingMessage): Promise<boolean> {
    if (!this.breaking) return super.publish(message);
    return new Promise((resolve) => this.underWay.push(resolve));
  }
}

describe('publisher', () => {
  it('says the newest when the connection is back, also when an older one is told lost after it', async () => {
    const transport = new BreakingTransport();
    const settings = { base: 'smolvlm', qos: 1, cameras: [] } as unknown as ServiceSettings;
    const publisher = new Publisher(transport, new DescribeTopics('smolvlm'), settings, '1.2.3');
    transport.onConnected(() => publisher.announce());
    const caption = (payload: string): OutgoingMessage => ({
      ...{ topic: 'smolvlm/porch/caption', payload, qos: 1, retain: true },
    });
    transport.connected = true;
    transport.breaking = true;
    publisher.send(caption('older'));
    transport.connected = false;
    transport.breaking = false;
    publisher.send(caption('newer'));
    await turn();
    for (const tell of transport.underWay) tell(false);
    await turn();
    transport.connect();
    await turn();
    assert.equal(transport.last('smolvlm/porch/caption'), 'newer');
  });
});
