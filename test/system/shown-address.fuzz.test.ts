import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shownAddress, shownText } from '../../src/system/shown-address';
import { fuzz, fuzzTimeoutMs } from '../fuzz';

/** Long enough not to be there by chance; no letters that an address could contain otherwise. */
const secret = fc
  .stringMatching(/^[A-Z][A-Za-z0-9]{3}[!$*~_.-]?[A-Z0-9]{4}[a-z][0-9]$/)
  .map((text) => `Zq${text}`);
const scheme = fc.constantFrom('http', 'https', 'rtsp', 'mqtt', 'mqtts', 'ws', 'HTTP');
const host = fc.constantFrom('camera.local', '192.168.1.20', '[fe80::1]', 'cam', 'a-b.example.org');
const port = fc.constantFrom('', ':80', ':554', ':99999');
const path = fc.constantFrom('', '/', '/snap.jpg', '/cgi-bin/api.cgi', '/Streaming/Channels/101', '/a b');
const credentialName = fc.oneof(
  fc.constantFrom(
    'password',
    'pwd',
    'pass',
    'passwd',
    'token',
    'key',
    'apikey',
    'secret',
    'auth',
    'loginpas',
    'usr',
    'rs',
    'sig',
  ),
  fc
    .stringMatching(/^[a-z]{1,8}$/)
    .filter((name) => !/^(width|height|channel|channelid|stream|fps|cmd|size|q|v|w|h)$/.test(name)),
);
const harmless = fc.constantFrom('cmd=Snap', 'channel=0', 'width=640', 'fps=5');

/** Addresses that hold the secret in one of the places where people put it. */
const placed = fc
  .record({
    scheme,
    host,
    port,
    path,
    secret,
    name: credentialName,
    before: fc.array(harmless, { maxLength: 2 }),
    place: fc.nat({ max: 11 }),
  })
  .map(({ scheme: kind, host: name, port: at, path: way, secret: hidden, name: field, before, place }) => {
    const query = [...before, `${field}=${hidden}`].join('&');
    const addresses = [
      `${kind}://admin:${hidden}@${name}${at}${way}`,
      `${kind}://${name}${at}${way}?${query}`,
      `${kind}://${hidden}:x@${name}${at}${way}?${before.join('&')}`,
      `${kind}://${name}${at}${way}?user=admin&${query}#${hidden}`,
      `${kind}://admin:a@${hidden}@${name}${at}${way}`,
      `${kind}://${name}${at}/user=admin_password=${hidden}_channel=1_stream=0.sdp`,
      `${kind}:admin:${hidden}@${name}${at}${way}`,
      `admin:${hidden}@${name}${at}${way}?${before.join('&')}`,
      `${kind}://admin%3A${hidden}%40${name}${at}${way}`,
      `${kind}://${name}${at}/proxy/rtsp%3A%2F%2Fadmin%3A${hidden}%2540${name}`,
      `${kind}://admin:12?${hidden}@${name}${at}${way}`,
      `${kind}://${name}${at}${way}?src=${encodeURIComponent(`rtsp://admin:${hidden}@${name}`)}`,
    ];
    return { address: addresses[place] as string, hidden };
  });

describe('addresses to be shown, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);

  it('hold no secret from any part of the address', async () => {
    await fuzz(
      fc.property(placed, ({ address, hidden }) => {
        const shown = shownAddress(address);
        assert.ok(!shown.includes(hidden), `${address} is shown as ${shown}`);
      }),
    );
  });

  it('hold no secret within a sentence', async () => {
    const words = fc.constantFrom(
      ' answered 401',
      ': connection refused',
      '. Try again',
      '" is not a picture',
      ') failed',
    );
    await fuzz(
      fc.property(placed, words, words, ({ address, hidden }, before, after) => {
        const sentence = `the picture at${before} "${address.replaceAll(' ', '%20')}"${after}`;
        const shown = shownText(sentence);
        assert.ok(!shown.includes(hidden), `${sentence} is shown as ${shown}`);
      }),
    );
  });

  it('still name scheme and host', async () => {
    await fuzz(
      fc.property(scheme, host, path, (kind, name, way) => {
        const shown = shownAddress(`${kind}://u:p@${name}${way}?cmd=Snap`);
        assert.ok(shown.startsWith(`${kind}://`) && shown.includes(name), shown);
      }),
    );
  });

  it('are texts for any input', async () => {
    await fuzz(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        assert.equal(typeof shownAddress(text), 'string');
        assert.equal(typeof shownText(text), 'string');
      }),
    );
  });
});
