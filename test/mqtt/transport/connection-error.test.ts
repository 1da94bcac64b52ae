import assert from 'node:assert/strict';
import { connectionFailure } from '../../../src/mqtt/transport/connection-error';

describe('connectionFailure', () => {
  for (const [code, message, expected, permanent] of [
    ['ECONNREFUSED', 'connect ECONNREFUSED', 'mqtt-broker-unreachable', false],
    ['EAI_AGAIN', 'getaddrinfo EAI_AGAIN hub', 'mqtt-broker-unreachable', false],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND hub', 'mqtt-broker-address', true],
    [undefined, 'connack timeout', 'mqtt-broker-unreachable', false],
    [undefined, 'Invalid header flag bits', 'mqtt-broker-protocol', true],
    ['EPROTO', 'wrong version number', 'mqtt-broker-protocol', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', 'mqtt-broker-certificate', true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'wrong host', 'mqtt-broker-certificate', true],
    [1, 'Connection refused: Unacceptable protocol version', 'mqtt-broker-version', true],
    [3, 'Connection refused: Server unavailable', 'mqtt-broker-unavailable', false],
    [5, 'Connection refused: Not authorized', 'mqtt-broker-login', true],
    [0x86, 'Connection refused: Bad User Name or Password', 'mqtt-broker-login', true],
    [0x89, 'Connection refused: Server busy', 'mqtt-broker-unavailable', false],
  ] as const) {
    it(`reads ${code ?? message} as ${expected}`, () => {
      const thrown = Object.assign(new Error(message), code !== undefined && { code });
      const failure = connectionFailure('hub:1883', thrown, false);
      assert.deepEqual([failure.error.code, failure.permanent], [expected, permanent]);
      assert.ok(failure.error.message.includes('hub:1883'), failure.error.message);
      assert.equal(connectionFailure('hub:1883', thrown, true).permanent, false, 'after a connection');
    });
  }
});
