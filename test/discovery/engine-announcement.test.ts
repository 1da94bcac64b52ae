import assert from 'node:assert/strict';
import { announcementTxt, parseAnnouncement } from '../../src/discovery/engine-announcement';

describe("an engine's announcement", () => {
  it('survives its TXT record, and a model’s name is cut to what an entry holds', () => {
    const announcement = { version: '0.1.0', protocol: 1, tls: false, model: 'demo' };
    assert.deepEqual(parseAnnouncement(announcementTxt(announcement)), announcement);
    const long = announcementTxt({ ...announcement, model: 'é'.repeat(300) });
    assert.equal(Buffer.byteLength(long.model ?? ''), 200);
    for (const [key, value] of Object.entries(long)) assert.ok(Buffer.byteLength(`${key}=${value}`) <= 255);
  });

  it('says no more than version, protocol, TLS, fingerprint and model', () => {
    const secret = {
      version: '0.1.0',
      protocol: 1,
      tls: true,
      token: 'secret',
      fingerprint: 'AB'.repeat(32),
    };
    assert.deepEqual(Object.keys(announcementTxt(secret)), ['version', 'protocol', 'tls', 'sha256']);
  });
});
