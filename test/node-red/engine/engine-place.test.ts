import assert from 'node:assert/strict';
import { clientOf, shownPlace } from '../../../src/node-red/engine/engine-place';
import { engineSettings } from '../../../src/node-red/engine/engine-settings';

describe('place of an engine node', () => {
  const settings = (url: string, token?: string) =>
    engineSettings({ location: 'group', url, idle: 60 }, token, '/');

  it('can be a group of hubs, whose server is shown without the login', async () => {
    const { address } = settings('nats://node-red@one:4222, tls://two:4223', 'secret');
    assert.equal(shownPlace(address), 'nats://one:4222, tls://two:4223');
    assert.deepEqual(address, {
      kind: 'group',
      nats: {
        servers: ['nats://one:4222', 'tls://two:4223'],
        stream: 'smolvlm',
        user: 'node-red',
        password: 'secret',
      },
    });
    const client = clientOf(address, {});
    assert.equal(client.state, 'idle');
    await client.close();
  });

  it('takes the secret for a token if the address has no user', () => {
    const { address } = settings('nats://one:4222', 'secret');
    assert.equal(address.kind === 'group' && address.nats.token, 'secret');
  });

  it('refuses an address that is not of a NATS server, without its secrets', () => {
    assert.throws(() => settings('http://user:secret@hub:8372'), {
      code: 'nats-address',
      message: 'expected nats://host:port, received "http://…@hub:8372"',
    });
  });
});
