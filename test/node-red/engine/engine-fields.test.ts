import assert from 'node:assert/strict';
import { isAddressOf, isStream, remoteAddress } from '../../../src/node-red/engine/engine-fields';
import { engineSettings } from '../../../src/node-red/engine/engine-settings';

const addresses = [
  ['local', 'anything', true],
  ['remote', 'http://hub.local:8372', true],
  ['remote', '', false],
  ['remote', 'hub.local', false],
  ['remote', 'http://user:secret@hub.local:8372', false],
  ['remote', 'https://hub.local:8372/#sha256=12', false],
  ['group', 'nats://user@a:4222,tls://b:4222', true],
  ['group', '', false],
  ['group', 'http://a:4222', false],
] as const;

describe('the fields of the engine dialog', () => {
  for (const [location, url, accepted] of addresses) {
    it(`${accepted ? 'take' : 'refuse'} "${url}" as the address of ${location}, as the runtime does`, () => {
      assert.equal(isAddressOf(location, url), accepted);
      const deploy = (): unknown => engineSettings({ location, url }, undefined, '/');
      if (accepted) assert.doesNotThrow(deploy);
      else assert.throws(deploy, { code: /^(engine|nats)-address$/ });
    });
  }

  it('never take a blank address for the engine on this machine', () => {
    assert.throws(() => remoteAddress(' '), { code: 'engine-address', message: /received none/ });
  });

  it('take letters, digits, - and _ as a stream, and nothing for the usual one', () => {
    for (const stream of [undefined, '', ' ', 'hub_2-b']) assert.ok(isStream(stream));
    for (const stream of ['a b', 'a.b', 'a'.repeat(65)]) assert.ok(!isStream(stream));
  });
});
