import assert from 'node:assert/strict';
import { brokerAddress } from '../../../src/mqtt/transport/broker-address';

describe('brokerAddress', () => {
  it('accepts mqtt, mqtts, ws and wss, and nothing else', () => {
    for (const text of ['mqtt://hub', 'mqtts://hub:8883', 'ws://hub/mqtt', 'wss://hub']) {
      assert.match(brokerAddress(text).host, /^hub/);
    }
    for (const text of ['hub', 'http://hub', 'mqtt://', '']) {
      assert.throws(() => brokerAddress(text), { code: 'mqtt-broker-address' });
    }
  });

  it('takes user and password out of the address', () => {
    assert.deepEqual(brokerAddress('mqtts://me%40home:100%25@hub:8883'), {
      ...{ url: 'mqtts://hub:8883', host: 'hub:8883', user: 'me@home', password: '100%' },
    });
  });

  it('explains a % that is not encoded, without showing the password', () => {
    for (const text of ['mqtt://me:100%@hub', 'mqtt://m%e:x@hub', 'mqtt://me:%E9@hub']) {
      assert.throws(
        () => brokerAddress(text),
        ({ code, message, hint }) => {
          assert.equal(code, 'mqtt-broker-address');
          assert.match(hint, /%25/);
          assert.doesNotMatch(message, /100|%e|%E9/);
          return true;
        },
      );
    }
  });
});
